import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import { FETCH_TIMEOUT } from "../../dataplane/auth/guarded-fetch.ts";
import { FakeClock } from "../fakes/clock.ts";
import { GATEWAY } from "../fakes/idp.ts";
import { RawListener } from "../fakes/idp-listener.ts";
import { bearer, JWT, OAuthBench, OPAQUE } from "../fakes/oauth.ts";
import { until } from "../fakes/sockets.ts";

/** Hostile issuers and claims: a handshake that waits gets 503, live sessions stay, the gateway lives. */

let clock: FakeClock;
let bench: OAuthBench;
let inside: RawListener;
const open: { close(): Promise<void> }[] = [];

beforeEach(async () => {
  clock = new FakeClock(Date.now());
  const claims = { tenant: "acme\r\nX-Admin: 1", tënant: "é" };
  bench = await new OAuthBench({ [JWT]: { format: "jwt", claims }, [OPAQUE]: { format: "opaque" } }, clock).open();
  inside = await new RawListener((socket) => socket.end("HTTP/1.1 200 OK\r\n\r\nsecret")).open();
  open.push(bench, inside);
});

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

async function issuer(answer: (socket: Socket) => void): Promise<string> {
  const listener = await new RawListener(answer).open();
  open.push(listener);
  return `http://127.0.0.1:${listener.port}/`;
}

const jwt = (uri: string): object => ({ issuer: bench.idp.issuer, audiences: [JWT], jwks: { uri, allowHttp: true } });
const introspection = (endpoint: string): object => ({ endpoint, allowHttp: true, credentials: GATEWAY });

/** Head and body, and the end. */
const says =
  (head: string, body: string | Buffer = "") =>
  (socket: Socket): void => {
    socket.write(`HTTP/1.1 ${head}\r\nConnection: close\r\n\r\n`);
    socket.end(body);
  };
const flood = (socket: Socket): void => {
  socket.write("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 50000000\r\n\r\n");
  const more = (): void => {
    while (!socket.destroyed && socket.write(Buffer.alloc(65_536, " ")));
    if (!socket.destroyed) socket.once("drain", more);
  };
  more();
};
const away = (socket: Socket): void => says(`302 Found\r\nLocation: http://127.0.0.1:${inside.port}/`)(socket);
const json = (body: string): ((socket: Socket) => void) => says("200 OK\r\nContent-Type: application/json", body);
const answers: [string, (socket: Socket) => void][] = [
  ["a redirect to inside", away],
  ["50 MB", flood],
  ["a gzip bomb", says("200 OK\r\nContent-Encoding: gzip", gzipSync(Buffer.alloc(10_000_000)))],
  ["HTML", says("200 OK\r\nContent-Type: text/html", "<html>")],
  ["an error", says("500 Internal Server Error\r\nContent-Type: application/json", '{"keys":[],"active":true}')],
  ["{}", json("{}")],
  ["no JSON", json("{")],
  ["no HTTP", (socket) => socket.end("SSH-2.0-x\r\n")],
  ["nothing at all", (socket) => socket.destroy()],
];

test.each(answers)("E19, E20 a key set that is %s lets no client in", async (_, answer) => {
  await bench.serve({ jwt: [jwt(await issuer(answer))] });
  const token = await bench.token(JWT);
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  const two = { headers: { Authorization: [`Bearer ${token}`, `Bearer ${token}`] } };
  expect((await bench.refused(two)).reason).toBe("AmbiguousCredential");
  expect(inside.heads).toEqual([]);
  await bench.serve({ jwt: [jwt(bench.idp.jwks)] });
  await bench.connect(token);
});

test.each(answers)("E21 an introspection endpoint that answers %s lets no client in", async (_, answer) => {
  await bench.serve({ introspection: introspection(await issuer(answer)) });
  const token = await bench.token(OPAQUE);
  expect(await bench.refusalOf(token)).toBe("503 IdentityProviderUnavailable");
  expect(inside.heads).toEqual([]);
  await bench.serve({ introspection: introspection(bench.idp.introspection) });
  await bench.connect(token);
});

test("a silent issuer is given up after 5 s; the handshakes that wait for it are answered together", async () => {
  let asked = 0;
  const uri = await issuer(() => (asked += 1));
  await bench.serve({ jwt: [jwt(uri)] });
  const token = await bench.token(JWT);
  const waiting = Array.from({ length: 20 }, () => bench.connect(token).catch((error: Error) => error.message));
  await until("the issuer was asked", () => asked === 1 && bench.gateway.attempts === 20);
  clock.advance(FETCH_TIMEOUT);
  expect(new Set(await Promise.all(waiting))).toEqual(new Set(["refused: 503"]));
  expect(asked).toBe(1);
});

test("a client that leaves while the issuer is silent leaves nothing behind", async () => {
  let asked = 0;
  await bench.serve({ introspection: introspection(await issuer(() => (asked += 1))) });
  const leaving = bench.connect(await bench.token(OPAQUE)).catch(() => "left");
  await until("the issuer was asked", () => asked === 1);
  await bench.gateway.close();
  expect(await leaving).toBe("left");
  await bench.gateway.empty();
});

test.each(["http://169.254.169.254/latest", "http://[::ffff:a9fe:a9fe]/", "http://2852039166/", "http://0.0.0.0/"])(
  "E19 %s is not dialled, with allowHttp neither",
  async (address) => {
    await bench.serve({ require: "Any", jwt: [jwt(address)], introspection: introspection(address) });
    for (const resource of [JWT, OPAQUE]) {
      expect(await bench.refusalOf(await bench.token(resource))).toBe("503 IdentityProviderUnavailable");
    }
    const faults = bench.gateway.lines.flatMap(({ fields }) => ("fault" in fields ? [fields["fault"]] : []));
    expect(faults).toEqual(["the address is never dialled", "the address is never dialled"]);
  },
);

test("D10 a claim that ends a line and one beyond ASCII reach the backend encoded, each in one header", async () => {
  const claimHeaders = [
    { claim: "tenant", header: "x-tenant" },
    { claim: "tënant", header: "x-other" },
  ];
  await bench.serve({ jwt: [jwt(bench.idp.jwks)] }, { claimHeaders });
  await bench.connect(await bench.token(JWT));
  const headers = bench.handshakes[0]?.headers ?? {};
  const decoded = (name: string): string =>
    Buffer.from(/^=\?base64url\?(.*)\?=$/.exec(String(headers[name]))?.[1] ?? "", "base64url").toString();
  expect(headers["x-admin"]).toBeUndefined();
  expect(decoded("x-tenant")).toBe("acme\r\nX-Admin: 1");
  expect(decoded("x-other")).toBe("é");
});

test("D10 a token whose client id ends a line is refused", async () => {
  await bench.serve({ jwt: [{ ...jwt(bench.idp.jwks), clientClaim: "tenant" }] });
  const { status, reason } = await bench.refused(bearer(await bench.token(JWT)));
  expect(`${status} ${reason}`).toBe("401 CredentialInvalid");
});

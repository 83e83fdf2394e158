import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { afterEach, beforeEach, expect, test } from "vitest";
import { closedEndpoint, jsonAnswer, openEndpoint } from "./admin-endpoint.ts";
import { AdminGate, type GateReason } from "./admin-gate.ts";
import { adminServer, type AdminServer } from "./admin-server.ts";

const TOKEN = "a-token-of-enough-characters";
const BEARER = `Bearer ${TOKEN}`;

let gate: AdminGate;
let admin: AdminServer;
let refused: GateReason[];

beforeEach(async () => {
  refused = [];
  gate = new AdminGate((reason) => refused.push(reason));
  gate.use(TOKEN);
  const asked = closedEndpoint((query) => jsonAnswer([...query]));
  const open = openEndpoint(() => jsonAnswer("open"));
  admin = await adminServer({ "/closed": asked, "/open": open }, "127.0.0.1", 0, { gate });
});
afterEach(() => admin.close());

type Header = readonly [name: string, value: string];

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** What is answered; the headers are sent as they are, in order, each on a line of its own. */
function ask(headers: readonly Header[], path = "/closed", method = "GET"): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: "127.0.0.1", port: admin.port, path, method, agent: false, headers: headers.flat() },
      (response) => {
        let body = "";
        response.on("data", (chunk: Buffer) => (body += chunk.toString()));
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
      },
    );
    call.on("error", reject);
    call.end();
  });
}

const host = (name = "127.0.0.1:9090"): Header => ["Host", name];
const bearer = (value = BEARER): Header => ["Authorization", value];

test.each([
  ["127.0.0.1"],
  ["127.0.0.1:9090"],
  ["10.244.1.7:9090"],
  ["[::1]"],
  ["[::1]:9090"],
  ["[fd00::7]:9090"],
  ["localhost"],
  ["LOCALHOST:9090"],
])("with the token, and %s as Host, a closed endpoint answers", async (name) => {
  expect(await ask([host(name), bearer()])).toMatchObject({ status: 200, body: "[]\n" });
  expect(refused).toEqual([]);
});

test.each([
  ["evil.test"],
  ["evil.test:9090"],
  ["127.0.0.1.evil.test"],
  ["127.0.0.1.:9090"],
  ["localhost.evil.test"],
  ["foo.localhost"],
  ["localhost."],
  ["2130706433"],
  ["0x7f.1"],
  ["::1"],
  ["[evil.test]"],
  ["[::1].evil.test"],
  ["[::1"],
  ["127.0.0.1:9090:80"],
  ["127.0.0.1:port"],
  ["evil.test@127.0.0.1"],
  [""],
])("with the token, and %j as Host, it is told that names are not answered", async (name) => {
  const { status, body } = await ask([host(name), bearer()]);
  expect([status, body]).toEqual([421, "this endpoint is asked by an IP address or localhost, and no other name\n"]);
  expect(refused).toEqual(["Host"]);
});

test.each<[what: string, headers: readonly Header[]]>([
  ["no credential", []],
  ["another token", [bearer("Bearer another-token-of-enough-characters")]],
  ["the beginning of the token", [bearer(BEARER.slice(0, -1))]],
  ["the token and more", [bearer(`${BEARER}x`)]],
  ["the token twice in one line", [bearer(`${BEARER} ${TOKEN}`)]],
  ["two blanks before it", [bearer(`Bearer  ${TOKEN}`)]],
  ["two lines, each with the token", [bearer(), bearer()]],
  ["another scheme", [bearer(`Basic ${TOKEN}`)]],
  ["no scheme", [bearer(TOKEN)]],
  ["a scheme alone", [bearer("Bearer")]],
  ["an empty one", [bearer("")]],
  ["the token as a cookie", [["Cookie", `token=${TOKEN}`]]],
  ["the token in another header", [["X-Authorization", BEARER]]],
])("with %s a closed endpoint answers 401, and says which credential it wants", async (_, headers) => {
  const { status, body, headers: got } = await ask([host(), ...headers]);
  expect([status, got["www-authenticate"]]).toEqual([401, 'Bearer realm="wsproxy admin"']);
  expect(body).toBe("this endpoint wants the header Authorization: Bearer <admin token>\n");
  expect(refused).toEqual(["Token"]);
});

test("the token is not taken from the query, and the rest of the query is passed on", async () => {
  expect((await ask([host()], `/closed?token=${TOKEN}&access_token=${TOKEN}`)).status).toBe(401);
  expect(await ask([host(), bearer()], "/closed?limit=3&after=x")).toMatchObject({
    body: '[["limit","3"],["after","x"]]\n',
  });
});

test("the scheme may be written in any case", async () => {
  expect((await ask([host(), bearer(`bEaReR ${TOKEN}`)])).status).toBe(200);
});

test.each([["http://evil.test"], ["null"], ["https://127.0.0.1:9090"], ["http://127.0.0.1:9091"], [""]])(
  "a page of the origin %j is refused whatever it brings along",
  async (origin) => {
    expect((await ask([host(), bearer(), ["Origin", origin]])).status).toBe(403);
    expect(refused).toEqual(["Origin"]);
  },
);

test("a page of the port's own origin is answered, and needs the token too", async () => {
  const own: Header = ["Origin", "http://127.0.0.1:9090"];
  expect((await ask([host(), bearer(), own])).status).toBe(200);
  expect((await ask([host(), own])).status).toBe(401);
  expect((await ask([host(), bearer(), own, ["Origin", "http://evil.test"]])).status).toBe(403);
});

test("an open endpoint answers every Host and Origin, and looks at no credential", async () => {
  const headers = [host("evil.test"), ["Origin", "http://evil.test"], bearer("nonsense")] as const;
  expect(await ask(headers, "/open")).toMatchObject({ status: 200, body: '"open"\n' });
  expect(refused).toEqual([]);
});

test("a new token is taken at once, and the old one no more", async () => {
  gate.use("another-token-of-enough-characters");
  expect((await ask([host(), bearer()])).status).toBe(401);
  expect((await ask([host(), bearer("Bearer another-token-of-enough-characters")])).status).toBe(200);
});

test("while there is no token nothing passes", async () => {
  gate.use(undefined);
  for (const value of ["Bearer ", "Bearer undefined", BEARER])
    expect((await ask([host(), bearer(value)])).status).toBe(401);
});

test.each([
  [
    "two lines of Host",
    `GET /closed HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: evil.test\r\nAuthorization: ${BEARER}\r\n\r\n`,
  ],
  ["no Host, as HTTP/1.0 permits", `GET /closed HTTP/1.0\r\nAuthorization: ${BEARER}\r\n\r\n`],
  ["the address in the target alone", `GET http://127.0.0.1/closed HTTP/1.1\r\nHost: evil.test\r\n\r\n`],
])("%s gets no answer of a closed endpoint", async (_, head) => {
  const socket = connect(admin.port, "127.0.0.1", () => socket.write(head));
  const [answer] = (await once(socket, "data")) as [Buffer];
  socket.destroy();
  expect(answer.toString()).toMatch(/^HTTP\/1\.1 4\d\d /);
});

test("HEAD passes as GET does; other methods, and what is not there, are told so without a credential", async () => {
  expect(await ask([host(), bearer()], "/closed", "HEAD")).toMatchObject({ status: 200, body: "" });
  expect((await ask([host()], "/closed", "HEAD")).status).toBe(401);
  expect((await ask([host(), bearer()], "/closed", "POST")).status).toBe(405);
  expect((await ask([host()], "/elsewhere")).status).toBe(404);
  expect((await ask([host()], "/constructor")).status).toBe(404);
});

test("a gate that was given no token lets nothing pass", async () => {
  const shut = await adminServer({ "/closed": closedEndpoint(() => jsonAnswer(1)) }, "127.0.0.1", 0);
  const { status } = await fetch(`http://127.0.0.1:${shut.port}/closed`, { headers: { authorization: BEARER } });
  expect(status).toBe(401);
  await shut.close();
});

import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { once } from "node:events";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { gzipSync } from "node:zlib";
import * as x509 from "@peculiar/x509";
import { afterEach, expect, test, vi } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Authority } from "../../test/fakes/certificates.ts";
import { RawListener } from "../../test/fakes/idp-listener.ts";
import { ipv6 } from "../../test/fakes/ipv6.ts";
import { until } from "../../test/fakes/sockets.ts";
import { REFUSING_PORTS } from "../../test/fakes/ports.ts";
import { FetchFault, guardedFetch, MAX_ANSWER, type Ask } from "./guarded-fetch.ts";

const open: RawListener[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((it) => it.close()));
});

async function listener(answer: (socket: Socket) => void, host?: string): Promise<RawListener> {
  const it = await new RawListener(answer).open(host);
  open.push(it);
  return it;
}

const reply =
  (head: string, body: string | Buffer = "") =>
  (socket: Socket): void => {
    socket.write(`HTTP/1.1 ${head}\r\nConnection: close\r\n\r\n`);
    socket.end(body);
  };

/** The answer's status and body, or the fault. */
async function ask(url: string, more: Partial<Ask> = {}, clock = new FakeClock()): Promise<string> {
  try {
    const { status, body } = await guardedFetch(clock)({ url, allowHttp: true, ...more });
    return `${status} ${body.length > 100 ? body.length : body.toString()}`;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : "?";
  } finally {
    expect(clock.pending).toBe(0);
  }
}

test("a question is asked with its headers and body, and no encoding of the answer is invited", async () => {
  const { port, heads } = await listener(reply("200 OK\r\nContent-Type: text/plain", "hello"));
  expect(await ask(`http://127.0.0.1:${port}/keys?a=1`, { headers: { accept: "x/y" }, body: "token=1" })).toBe(
    "200 hello",
  );
  expect(heads[0]).toMatch(/^POST \/keys\?a=1 HTTP\/1.1\r\naccept: x\/y\r\naccept-encoding: identity\r\n/);
  expect(heads[0]).toMatch(/\r\n\r\ntoken=1$/);
});

test("a question counts its socket until that is closed, and is not asked where there is no room for it", async () => {
  const { port, heads } = await listener(reply("200 OK", "hello"));
  const clock = new FakeClock();
  let free = 1;
  const room = {
    ask: () => {
      if (free === 0) return undefined;
      free -= 1;
      return () => void (free += 1);
    },
  };
  const fetch = guardedFetch(clock, undefined, room);
  const url = `http://127.0.0.1:${port}/`;
  const first = fetch({ url, allowHttp: true });
  await expect(fetch({ url, allowHttp: true })).rejects.toThrow(new FetchFault("no file descriptor is left"));
  expect((await first).body.toString()).toBe("hello");
  await until("its socket is closed", () => free === 1);
  await expect(fetch({ url: `http://127.0.0.1:${REFUSING_PORTS[0]}/`, allowHttp: true })).rejects.toThrow(FetchFault);
  await until("that of a question that could not be asked too", () => free === 1);
  expect([heads.length, clock.pending]).toEqual([1, 0]);
});

test.skipIf(!ipv6)("an IPv6 address in a URL is asked, and stands in Host with its brackets", async () => {
  const { port, heads } = await listener(reply("200 OK", "hello"), "::1");
  expect(await ask(`http://[::1]:${port}/keys`)).toBe("200 hello");
  expect(heads[0]).toContain(`\r\nHost: [::1]:${port}\r\n`);
  expect(await ask(`http://[::1]:${port}/keys`, { allowHttp: false })).toMatch(/^FetchFault/);
});

test.skipIf(!ipv6)(
  "over https a certificate for an IPv6 address is checked for that address, without SNI",
  async () => {
    const authority = await Authority.create();
    const roots = getCACertificates("default");
    const asked: unknown[] = [];
    const answers = async (address: string): Promise<string> => {
      const { certificate: cert, privateKey: key } = await authority.issue({ addresses: [address] });
      const server = createTlsServer({ cert, key }, (request, response) => {
        asked.push((request.socket as TLSSocket).servername);
        response.end("hello");
      }).listen(0, "::1");
      await once(server, "listening");
      return ask(`https://[::1]:${(server.address() as AddressInfo).port}/`).finally(() => server.close());
    };
    try {
      setDefaultCACertificates([...roots, authority.ca]);
      expect(await answers("::1")).toBe("200 hello");
      expect(await answers("::2")).toBe("FetchFault: ERR_TLS_CERT_ALTNAME_INVALID");
      expect(asked).toEqual([false]);
    } finally {
      setDefaultCACertificates(roots);
    }
  },
);

test("a redirect is an answer, not a way to go", async () => {
  const inside = await listener(reply("200 OK", "secret"));
  const { port } = await listener(reply(`302 Found\r\nLocation: http://127.0.0.1:${inside.port}/`));
  expect(await ask(`http://127.0.0.1:${port}/`)).toBe("302 ");
  expect(inside.heads).toEqual([]);
});

test.each<[string, string, string | Buffer, string]>([
  [
    "a gzip bomb",
    "200 OK\r\nContent-Encoding: gzip",
    gzipSync(Buffer.alloc(50_000_000)),
    "FetchFault: the answer is encoded",
  ],
  ["an encoding", "200 OK\r\nContent-Encoding: br", "x", "FetchFault: the answer is encoded"],
  ["the encoding that is none", "200 OK\r\nContent-Encoding: identity", "x", "200 x"],
  ["a body cut short", "200 OK\r\nContent-Length: 10", "short", "FetchFault: the connection was lost"],
  ["chunks cut short", "200 OK\r\nTransfer-Encoding: chunked", "5\r\nhello\r\n", "FetchFault: the connection was lost"],
  ["a body of the longest", "200 OK", Buffer.alloc(MAX_ANSWER), `200 ${MAX_ANSWER}`],
  ["a body that is longer", "200 OK", Buffer.alloc(MAX_ANSWER + 1), "FetchFault: the answer is too long"],
  ["a head that is too long", `200 OK\r\nX: ${"x".repeat(20_000)}`, "x", "FetchFault: HPE_HEADER_OVERFLOW"],
  ["an upgrade", "101 Switching Protocols\r\nUpgrade: x", "x", "101 "],
  ["no HTTP", "abc", "x", "FetchFault: HPE_INVALID_STATUS"],
])("%s is answered for what it is", async (_, head, body, wanted) => {
  const { port } = await listener(reply(head, body));
  expect(await ask(`http://127.0.0.1:${port}/`)).toBe(wanted);
});

test("an answer in more than 4,096 pieces is too long, and so is one of more than 512 KiB in chunks", async () => {
  const chunked = "200 OK\r\nTransfer-Encoding: chunked";
  const asked = async (chunk: string, count: number): Promise<string> => {
    const { port } = await listener(reply(chunked, `${chunk.repeat(count)}0\r\n\r\n`));
    return ask(`http://127.0.0.1:${port}/`);
  };
  expect(await asked("1\r\nx\r\n", 4096)).toBe("200 4096");
  expect(await asked("1\r\nx\r\n", 4097)).toBe("FetchFault: the answer is too long");
  // The size of a chunk may have zeros in front.
  expect(await asked(`${"0".repeat(120)}1\r\nx\r\n`, 4000)).toBe("200 4000");
  expect(await asked(`${"0".repeat(130)}1\r\nx\r\n`, 4000)).toBe("FetchFault: the answer is too long");
});

test.each([
  ["eight interim answers", 8, "200 x"],
  ["nine interim answers", 9, "FetchFault: the answer is too long"],
])("%s in front of an answer", async (_what, count, wanted) => {
  const far = await listener((socket) => {
    socket.write("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count));
    socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx");
  });
  expect(await ask(`http://127.0.0.1:${far.port}/`)).toBe(wanted);
  await until("the connection ends", () => far.sockets.size === 0);
});

test("a question's connection ends with its answer, whatever the other end would like", async () => {
  const far = await listener((socket) => void socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"));
  expect(await ask(`http://127.0.0.1:${far.port}/`)).toBe("200 x");
  await until("the connection ends", () => far.sockets.size === 0);
});

test("an answer of 50 MB is left where it is", async () => {
  let sent = 0;
  const far = await listener((socket) => {
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n");
    const more = (): void => {
      while (!socket.destroyed && sent < 50_000_000) {
        sent += 65_536;
        if (!socket.write(Buffer.alloc(65_536))) return void socket.once("drain", more);
      }
    };
    more();
  });
  expect(await ask(`http://127.0.0.1:${far.port}/`)).toBe("FetchFault: the answer is too long");
  await until("the connection ends", () => far.sockets.size === 0);
  expect(sent).toBeLessThan(25_000_000);
});

test.each<[string, string]>([
  ["nothing", ""],
  ["half a head", "HTTP/1.1 200 OK\r\nX: "],
  ["a byte now and then", "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx"],
])("a server that sends %s is left after 5 s", async (_, bytes) => {
  const clock = new FakeClock();
  const far = await listener((socket) => socket.write(bytes));
  const answer = ask(`http://127.0.0.1:${far.port}/`, {}, clock);
  await until("the question is there", () => far.heads.length === 1);
  clock.advance(4999);
  far.sockets.forEach((socket) => socket.write(bytes === "" ? "" : "x"));
  expect(far.sockets.size).toBe(1);
  clock.advance(1);
  expect(await answer).toBe("FetchFault: no answer in time");
  await until("the connection ends", () => far.sockets.size === 0);
});

test("a port on which nothing listens is a fault by its system's word", async () => {
  expect(await ask(`http://127.0.0.1:${REFUSING_PORTS[0]}/`)).toBe("FetchFault: ECONNREFUSED");
});

test.each([
  ["http://192.0.2.1/", "the scheme is not permitted"],
  ["file:///etc/passwd", "the scheme is not permitted"],
  ["ftp://192.0.2.1/", "the scheme is not permitted"],
  ["data:application/json,{}", "the scheme is not permitted"],
  ["not a url", "the URL is none"],
  ["https://127.0.0.1/", "the address is never dialled"],
  ["https://[::1]/", "the address is never dialled"],
  ["https://127.1/", "the address is never dialled"],
  ["https://0/", "the address is never dialled"],
  ["https://169.254.169.254/", "the address is never dialled"],
  ["https://169.254.169.254./", "the address is never dialled"],
  ["https://2852039166/", "the address is never dialled"],
  ["https://0xa9fea9fe/", "the address is never dialled"],
  ["https://0251.0376.0251.0376/", "the address is never dialled"],
  ["https://169.254.43518/", "the address is never dialled"],
  ["https://①⑥⑨.254.169.254/", "the address is never dialled"],
  ["https://[::ffff:a9fe:a9fe]/", "the address is never dialled"],
  ["https://[::ffff:169.254.169.254]/", "the address is never dialled"],
  ["https://[fd00:ec2::254]/", "the address is never dialled"],
  ["https://[64:ff9b::a9fe:a9fe]/", "the address is never dialled"],
])("E19: %s is not asked", async (url, fault) => {
  expect(await ask(url, { allowHttp: false })).toBe(`FetchFault: ${fault}`);
});

test("E19: permission for plain http is none for metadata", async () => {
  expect(await ask("http://169.254.169.254/latest")).toBe("FetchFault: the address is never dialled");
});

test("E19: a name is looked up once, and dialled at what was judged", async () => {
  const far = await listener(reply("200 OK", "hello"));
  let lookups = 0;
  const fetch = guardedFetch(new FakeClock(), (_, done) => {
    lookups += 1;
    done(null, [{ address: lookups === 1 ? "127.0.0.1" : "169.254.169.254", family: 4 }]);
  });
  const { status } = await fetch({ url: `http://rebinds.test:${far.port}/`, allowHttp: true });
  expect([status, lookups]).toEqual([200, 1]);
  await expect(fetch({ url: `http://rebinds.test:${far.port}/`, allowHttp: true })).rejects.toThrow(
    "the connection could not be made",
  );
  expect(far.heads).toHaveLength(1);
});

test("localhost is loopback too", async () => {
  const far = await listener(reply("200 OK", "hello"));
  expect(await ask(`https://localhost:${far.port}/`, { allowHttp: false })).toMatch(/^FetchFault/);
  expect(far.heads).toEqual([]);
});

test("https asks only a server that proves its name", async () => {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const names = new x509.SubjectAlternativeNameExtension([{ type: "dns", value: "idp.test" }]);
  const dates = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 3_600_000) };
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=idp.test",
    ...dates,
    keys: keys as unknown as CryptoKeyPair,
    signingAlgorithm: algorithm,
    extensions: [names],
  });
  const cert = certificate.toString("pem");
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8}\n-----END PRIVATE KEY-----\n`;
  const server = createTlsServer({ cert, key }, (_, response) => void response.end("hello")).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const fetch = guardedFetch(new FakeClock(), (_, done) => done(null, [{ address: "127.0.0.1", family: 4 }]));
  const roots = getCACertificates("default");
  try {
    for (const word of ["1", "0"]) {
      vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", word);
      await expect(fetch({ url: `https://idp.test:${port}/`, allowHttp: true })).rejects.toThrow(
        "DEPTH_ZERO_SELF_SIGNED_CERT",
      );
    }
    setDefaultCACertificates([...roots, cert]);
    expect((await fetch({ url: `https://idp.test:${port}/`, allowHttp: true })).status).toBe(200);
    await expect(fetch({ url: `https://other.test:${port}/`, allowHttp: true })).rejects.toThrow(
      "ERR_TLS_CERT_ALTNAME_INVALID",
    );
  } finally {
    vi.unstubAllEnvs();
    setDefaultCACertificates(roots);
    server.close();
  }
});

import { afterAll, beforeAll, expect, test } from "vitest";
import { Bench, base, type Wanted } from "../fakes/oracle.ts";
import { request } from "../fakes/clients.ts";

const bench = new Bench();
beforeAll(() => bench.open());
afterAll(() => bench.close());

const BAD: Wanted = { status: 400, reason: "BadHandshake" };
const AMBIGUOUS: Wanted = { status: 400, reason: "AmbiguousTarget" };
const UPGRADE: Wanted = { status: 426, reason: "UpgradeRequired" };
const VERSION: Wanted = { status: 426, reason: "VersionUnsupported" };
const METHOD: Wanted = { status: 405, reason: "MethodNotAllowed" };
const LARGE: Wanted = { status: 431, reason: "HeadersTooLarge" };

const headers = (changes: Record<string, string | readonly string[] | null>): string => base({ headers: changes });
/** R with lines put before its end as they are. */
const raw = (lines: string): string => base().replace(/\r\n$/, `${lines}\r\n`);

test.each<[string, string, Wanted]>([
  ["A1 version 4444", headers({ "Sec-WebSocket-Version": "4444" }), VERSION],
  ["A1 version 0", headers({ "Sec-WebSocket-Version": "0" }), VERSION],
  ["A1 version 13.0", headers({ "Sec-WebSocket-Version": "13.0" }), BAD],
  ["A1 version +13", headers({ "Sec-WebSocket-Version": "+13" }), BAD],
  ["A1 version 013", headers({ "Sec-WebSocket-Version": "013" }), VERSION],
  ["A2 no version", headers({ "Sec-WebSocket-Version": null }), BAD],
  ["A2 an empty version", headers({ "Sec-WebSocket-Version": "" }), BAD],
  ["A3 two version lines", headers({ "Sec-WebSocket-Version": ["13", "4444"] }), BAD],
  ["A3 the same version twice", headers({ "Sec-WebSocket-Version": ["13", "13"] }), BAD],
  ["A3 a list of versions", headers({ "Sec-WebSocket-Version": "13, 8" }), BAD],
  ["A4 version 8", headers({ "Sec-WebSocket-Version": "8" }), VERSION],
  ["A4 version 7 of an old draft", headers({ "Sec-WebSocket-Version": "7", Connection: null, Upgrade: null }), UPGRADE],
  ["A5 no Connection", headers({ Connection: null }), UPGRADE],
  ["A5 Connection: keep-alive", headers({ Connection: "keep-alive" }), UPGRADE],
  ["A5 Connection: close", headers({ Connection: "close" }), UPGRADE],
  ["A5 Connection: Upgraded", headers({ Connection: "Upgraded" }), UPGRADE],
  ["A5 no Upgrade", headers({ Upgrade: null }), UPGRADE],
  ["A6 no key", headers({ "Sec-WebSocket-Key": null }), BAD],
  ["A6 a key of 3 bytes", headers({ "Sec-WebSocket-Key": "AAAA" }), BAD],
  ["A6 a key of 25 bytes", headers({ "Sec-WebSocket-Key": Buffer.alloc(25).toString("base64") }), BAD],
  ["A6 a key with spare bits", headers({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZR==" }), BAD],
  ["A6 a key in base64url", headers({ "Sec-WebSocket-Key": "_-_-_-_-_-_-_-_-_-_-_A==" }), BAD],
  ["A6 a key without padding", headers({ "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ" }), BAD],
  ["A6 two keys", headers({ "Sec-WebSocket-Key": ["dGhlIHNhbXBsZSBub25jZQ==", "AAAAAAAAAAAAAAAAAAAAAA=="] }), BAD],
  ["A7 POST", base({ method: "POST" }), METHOD],
  ["A7 PUT with a body", `${base({ method: "PUT", headers: { "Content-Length": "5" } })}hello`, METHOD],
  ["A7 OPTIONS", base({ method: "OPTIONS" }), METHOD],
  ["A7 TRACE", base({ method: "TRACE" }), METHOD],
  ["A7 HEAD", base({ method: "HEAD" }), { ...METHOD, bodiless: true }],
  ["A7 HEAD without Upgrade", request({ method: "HEAD", headers: { Upgrade: null } }), { ...METHOD, bodiless: true }],
  ["A7 CONNECT to an authority", "CONNECT a.test:80 HTTP/1.1\r\nHost: a.test:80\r\n\r\n", AMBIGUOUS],
  ["A7 CONNECT to a path", base({ method: "CONNECT" }), METHOD],
  ["A7 an unknown method", base({ method: "FETCH" }), BAD],
  ["A7 get in lower case", base({ method: "get" }), BAD],
  ["A8 a body of 5 bytes", `${headers({ "Content-Length": "5" })}hello`, BAD],
  ["A8 a body that never comes", headers({ "Content-Length": "5" }), BAD],
  ["A8 Content-Length: 00", headers({ "Content-Length": "00" }), BAD],
  ["A8 Content-Length: -1", headers({ "Content-Length": "-1" }), BAD],
  ["A8 Content-Length: 0x5", headers({ "Content-Length": "0x5" }), BAD],
  ["A8 a body and no credential", request({ headers: { "Content-Length": "5" } }), BAD],
  ["A10 CL and TE", `${headers({ "Content-Length": "5", "Transfer-Encoding": "chunked" })}0\r\n\r\n`, BAD],
  ["A10 TE and CL", `${headers({ "Transfer-Encoding": "chunked", "Content-Length": "5" })}0\r\n\r\n`, BAD],
  ["A10 two different CL", `${headers({ "Content-Length": ["5", "6"] })}hello`, BAD],
  ["A10 two equal CL", headers({ "Content-Length": ["0", "0"] }), BAD],
  ["A10 TE after a tab", `${raw("Transfer-Encoding:\tchunked\r\n")}0\r\n\r\n`, BAD],
  ["A10 chunked, identity", `${headers({ "Transfer-Encoding": "chunked, identity" })}0\r\n\r\n`, BAD],
  ["A10 xchunked", headers({ "Transfer-Encoding": "xchunked" }), BAD],
  ["A10 identity", headers({ "Transfer-Encoding": "identity" }), BAD],
  ["A11 h2c", headers({ Upgrade: "h2c", Connection: "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAAQ" }), BAD],
  ["A12 a list of protocols", headers({ Upgrade: "websocket, h2c" }), BAD],
  ["A12 two Upgrade lines", headers({ Upgrade: ["websocket", "h2c"] }), BAD],
  ["A12 websocket twice", headers({ Upgrade: ["websocket", "websocket"] }), BAD],
  ["A12 websocket with a version", headers({ Upgrade: "websocket/13" }), BAD],
  ["A12 an empty Upgrade", headers({ Upgrade: "" }), BAD],
  ["A13 foo", headers({ Upgrade: "foo" }), BAD],
  ["A23 2,500 tiny headers", raw("a:b\r\n".repeat(2500)), LARGE],
  ["A23 129 headers", raw("a: b\r\n".repeat(123)), LARGE],
  ["A25 a header of 20 kB", headers({ "X-Large": "v".repeat(20_000) }), LARGE],
  ["A25 a header of 40 kB", headers({ "X-Large": "v".repeat(40_000) }), LARGE],
  ["A25 a header name of 20 kB", headers({ ["n".repeat(20_000)]: "v" }), LARGE],
  ["A25 a target of 20 kB", base({ target: `/ws/${"a".repeat(20_000)}` }), { status: 414, reason: "TargetTooLong" }],
  ["A25 a query of 9 kB", base({ target: `/ws?${"a".repeat(9000)}` }), { status: 414, reason: "TargetTooLong" }],
  ["A26 bare LF", base().replaceAll("\r\n", "\n"), BAD],
  ["A26 one bare LF", raw("X-A: b\n"), BAD],
  ["A26 a bare CR in a value", raw("X-A: a\rb\r\n"), BAD],
  ["A26 an end that is none", base().replace(/\r\n$/, "\rX"), BAD],
  ["A26 a folded line", raw("X-A: a\r\n b\r\n"), BAD],
  ["A26 a folded first line", base().replace("\r\n", "\r\n X-A: b\r\n"), BAD],
  ["A26 a space before the colon", raw("X-A : b\r\n"), BAD],
  ["A26 a line without a colon", raw("nonsense\r\n"), BAD],
  ["A26 an empty name", raw(": b\r\n"), BAD],
  ["A26 NUL in a value", raw("X-A: a\0b\r\n"), BAD],
  ["A26 a control character in a value", raw("X-A: a\x01b\r\n"), BAD],
  ["A26 0xE9 in a name", raw("X-\xe9: b\r\n"), BAD],
  ["A26 NUL in the target", base({ target: "/ws\0" }), BAD],
  ["A26 a space in the target", base({ target: "/w s" }), BAD],
  ["A26 0xE9 in the target", base({ target: "/ws\xe9" }), BAD],
  ["A26 HTTP/1.0", base({ version: "HTTP/1.0" }), BAD],
  ["A26 HTTP/2.0", base({ version: "HTTP/2.0" }), BAD],
  ["A26 HTTP/1.2", base({ version: "HTTP/1.2" }), BAD],
  ["A26 HTTP/0.9", "GET /ws\r\n\r\n", BAD],
  ["A28 escapes without end", headers({ "Sec-WebSocket-Extensions": `a; b="${"\\c".repeat(4000)}` }), BAD],
  ["A28 an extension without a name", headers({ "Sec-WebSocket-Extensions": "; a=b" }), BAD],
  ["A28 a thousand empty elements", headers({ "Sec-WebSocket-Extensions": ",".repeat(1025) }), BAD],
  ["A28 a quoted control", headers({ "Sec-WebSocket-Extensions": 'x; y="a b"' }), BAD],
  ["A29 64 commas", headers({ "Sec-WebSocket-Protocol": `a${",".repeat(64)}` }), BAD],
  ["A29 thousands of commas", headers({ "Sec-WebSocket-Protocol": ",".repeat(15_000) }), BAD],
  ["A29 a, a", headers({ "Sec-WebSocket-Protocol": "a, a" }), BAD],
  ["A29 a on two lines", headers({ "Sec-WebSocket-Protocol": ["a", "a"] }), BAD],
  ["A29 300 names", headers({ "Sec-WebSocket-Protocol": Array.from({ length: 300 }, (_, n) => `p${n}`).join() }), BAD],
  ["A29 a twice, with a gap", headers({ "Sec-WebSocket-Protocol": "a,,a" }), BAD],
  ["A29 a quoted name", headers({ "Sec-WebSocket-Protocol": '"a"' }), BAD],
  ["A29 a name of two words", headers({ "Sec-WebSocket-Protocol": "a b" }), BAD],
])("%s", async (_row, bytes, wanted) => {
  await bench.expectRefusals(bytes, wanted);
});

test.each<[string, Record<string, string | string[]>, Record<string, string[]>]>([
  ["a gap", { "Sec-WebSocket-Protocol": "a, , b" }, { "sec-websocket-protocol": ["a, b"] }],
  ["commas around", { "Sec-WebSocket-Protocol": ",a," }, { "sec-websocket-protocol": ["a"] }],
  ["an empty line", { "Sec-WebSocket-Protocol": ["", "a"] }, { "sec-websocket-protocol": ["a"] }],
  ["no subprotocol", { "Sec-WebSocket-Protocol": "" }, { "sec-websocket-protocol": [] }],
  ["commas alone", { "Sec-WebSocket-Protocol": " , ," }, { "sec-websocket-protocol": [] }],
  [
    "a gap between extensions",
    { "Sec-WebSocket-Extensions": "x,,permessage-deflate," },
    { "sec-websocket-extensions": ["permessage-deflate"] },
  ],
  ["no extension", { "Sec-WebSocket-Extensions": "" }, { "sec-websocket-extensions": [] }],
  ["commas in Connection and Upgrade", { Connection: ", Upgrade,", Upgrade: "websocket," }, { upgrade: ["websocket"] }],
])("a handshake whose list has %s is taken, without the empty elements", async (_what, lines, wanted) => {
  const client = await bench.connect();
  client.socket.write(headers(lines));
  expect((await client.answer()).status).toBe(101);
  for (const [name, values] of Object.entries(wanted)) expect(bench.backend.last.values(name), name).toEqual(values);
  client.socket.destroy();
  bench.backend.last.socket.destroy();
  await bench.gateway.empty();
});

test.each<[string, Buffer]>([
  ["an HTTP/2 preface", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
  ["a TLS hello", Buffer.concat([Buffer.from("16030100c8010000c40303", "hex"), Buffer.alloc(196, 7)])],
  ["an SSH banner", Buffer.from("SSH-2.0-OpenSSH_9.9\r\n")],
  ["a PROXY line", Buffer.from("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n")],
  ["zeros", Buffer.alloc(512)],
])("A31 %s on the plain port is counted and closed", async (_what, bytes) => {
  await bench.expectRefusals(bytes, BAD);
});

test("the gateway hangs up after a refusal, even where the client does not", async () => {
  const rows = [
    base({ method: "POST" }),
    headers({ Upgrade: "foo" }),
    headers({ Connection: null }),
    raw("nonsense\r\n"),
  ];
  await Promise.all(rows.map((bytes) => bench.expectHungUp(bytes)));
});

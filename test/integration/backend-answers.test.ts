import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { BackendConnection } from "../fakes/backends.ts";
import { acceptFor } from "../fakes/backends.ts";
import { closeOf, frame, parse, text } from "../fakes/frames.ts";
import { base, Bench, type Wanted } from "../fakes/oracle.ts";
import { switching } from "../fakes/switching.ts";
import { until } from "../fakes/sockets.ts";

const bench = new Bench();
beforeAll(() => bench.open({ policies: { timeouts: { backendConnect: "400ms" }, messageSize: { maxFragments: 50 } } }));
afterEach(() => (bench.script = (connection) => connection.accept()));
afterAll(() => bench.close());

const says =
  (bytes: string) =>
  (connection: BackendConnection): void =>
    void connection.socket.write(Buffer.from(bytes, "latin1"));

const BAD: Wanted = { status: 502, reason: "BackendBadHandshake", dials: 1 };
const LOST: Wanted = { status: 502, reason: "BackendUnreachable", dials: 1 };
const LATE: Wanted = { status: 504, reason: "BackendTimeout", dials: 1 };

const offer = base({
  headers: {
    "Sec-WebSocket-Protocol": "chat, super",
    "Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits, x-other",
  },
});
const accept = (key: string): string => acceptFor(key);

const HINTS = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";

test.each<[string, (connection: BackendConnection) => void, Wanted]>([
  ["B2 200 with Upgrade", switching({}, "HTTP/1.1 200 OK"), BAD],
  ["B2 204", says("HTTP/1.1 204 No Content\r\n\r\n"), BAD],
  ["B2 status 600", says("HTTP/1.1 600 Odd\r\ncontent-length: 0\r\n\r\n"), BAD],
  ["B2 status 000", says("HTTP/1.1 000 Odd\r\ncontent-length: 0\r\n\r\n"), BAD],
  ["B3 101 without Upgrade", switching({ Upgrade: null }), BAD],
  ["B3 101 without Connection", switching({ Connection: null }), BAD],
  ["B3 101 without either", switching({ Upgrade: null, Connection: null }), BAD],
  ["B3 101 with Connection: close", switching({ Connection: "close" }), BAD],
  ["B4 h2c", switching({ Upgrade: "h2c" }), BAD],
  ["B4 a list", switching({ Upgrade: "websocket, h2c" }), BAD],
  ["B4 two Upgrade lines", switching({ Upgrade: ["websocket", "h2c"] }), BAD],
  ["B5 no accept", switching({ "Sec-WebSocket-Accept": null }), BAD],
  ["B5 a wrong accept", switching({ "Sec-WebSocket-Accept": accept("another") }), BAD],
  [
    "B5 the accept of the client's own key",
    switching({ "Sec-WebSocket-Accept": accept("dGhlIHNhbXBsZSBub25jZQ==") }),
    BAD,
  ],
  [
    "B5 two accepts",
    (it) =>
      switching({
        "Sec-WebSocket-Accept": Array(2).fill(acceptFor(it.values("sec-websocket-key")[0] ?? "")) as string[],
      })(it),
    BAD,
  ],
  ["B6 a subprotocol that was not offered", switching({ "Sec-WebSocket-Protocol": "other" }), BAD],
  ["B6 a subprotocol in another case", switching({ "Sec-WebSocket-Protocol": "CHAT" }), BAD],
  ["B6 two subprotocols", switching({ "Sec-WebSocket-Protocol": "chat, super" }), BAD],
  ["B6 two subprotocol lines", switching({ "Sec-WebSocket-Protocol": ["chat", "super"] }), BAD],
  ["B6 an extension that was not offered", switching({ "Sec-WebSocket-Extensions": "x-unknown" }), BAD],
  ["B6 an extension that was not passed on", switching({ "Sec-WebSocket-Extensions": "x-other" }), BAD],
  ["B6 the extension twice", switching({ "Sec-WebSocket-Extensions": "permessage-deflate, permessage-deflate" }), BAD],
  ["B8 Content-Length: 5", switching({ "Content-Length": "5" }), BAD],
  ["B8 Content-Length: x", switching({ "Content-Length": "x" }), BAD],
  ["B8 Content-Length: -0", switching({ "Content-Length": "-0" }), BAD],
  ["B8 an empty Content-Length", switching({ "Content-Length": "" }), BAD],
  ["B8 two different lengths", switching({ "Content-Length": ["0", "5"] }), BAD],
  ["B8 two lengths in a line", switching({ "Content-Length": "0, 5" }), BAD],
  ["B8 a length of zero and chunks", switching({ "Content-Length": "0", "Transfer-Encoding": "chunked" }), BAD],
  ["B8 Transfer-Encoding", switching({ "Transfer-Encoding": "chunked" }), BAD],
  ["B8 HTTP/1.0", switching({}, "HTTP/1.0 101 Switching Protocols"), BAD],
  ["B8 HTTP/2.0", switching({}, "HTTP/2.0 101 Switching Protocols"), BAD],
  ["B8 bare LF", (it) => it.socket.write("HTTP/1.1 101 X\nUpgrade: websocket\nConnection: Upgrade\n\n"), BAD],
  ["B8 a folded line", switching({ "X-A": "a\r\n b" }), BAD],
  ["B8 a control character", switching({ "X-A": "a\x01b" }), BAD],
  ["B8 a head of 40 kB", switching({ "X-A": "a".repeat(40_000) }), BAD],
  ["B8 2,500 fields", switching({ "X-A": Array(2500).fill("b") as string[] }), BAD],
  ["B8 no HTTP at all", says("SSH-2.0-OpenSSH_9.9\r\n"), BAD],
  ["B11 silence", () => {}, LATE],
  ["B11 half a head", says("HTTP/1.1 101 Switching Pro"), LATE],
  ["B11 a 100 and no more", says("HTTP/1.1 100 Continue\r\n\r\n"), LATE],
  ["nine interim answers", says("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(9)), BAD],
  ["nine interim answers and a good 101", (it) => (says(HINTS.repeat(9))(it), it.accept()), BAD],
  ["nine interim answers and a refusal", says(`${HINTS.repeat(9)}HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n`), BAD],
  ["five interim answers of 14 kB", says(`HTTP/1.1 103 H\r\nx: ${"y".repeat(14_000)}\r\n\r\n`.repeat(5)), BAD],
  ["B11 an end without an answer", (it) => it.socket.end(), LOST],
  ["B11 a reset", (it) => it.socket.resetAndDestroy(), LOST],
  ["B11 an end in the middle of the head", (it) => it.socket.end("HTTP/1.1 101 Swi"), LOST],
  [
    "B17 a window of 99 bits",
    switching({ "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=99" }),
    BAD,
  ],
  [
    "B17 a window of 7 bits",
    switching({ "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=7" }),
    BAD,
  ],
  [
    "B17 a parameter twice",
    switching({ "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=9; server_max_window_bits=9" }),
    BAD,
  ],
  ["B17 an unknown parameter", switching({ "Sec-WebSocket-Extensions": "permessage-deflate; x" }), BAD],
])("%s", async (_row, script, wanted) => {
  bench.script = script;
  await bench.expectRefusal(offer, wanted);
});

const relayed = (status: number, headers: Record<string, string> = {}): Wanted => ({
  status,
  reason: "BackendRefused",
  dials: 1,
  headers,
});

test("B1 426 with keep-alive is relayed, and nothing follows it", async () => {
  bench.script = says(
    "HTTP/1.1 426 Upgrade Required\r\nConnection: keep-alive\r\nSec-WebSocket-Version: 13\r\nContent-Length: 2\r\n\r\nno",
  );
  const bytes = `${offer}GET /internal HTTP/1.1\r\nHost: a.test\r\n\r\n`;
  const answer = await bench.expectRefusal(bytes, relayed(426, { "sec-websocket-version": "13" }));
  expect(answer.body).toBe("no");
});

test("B10 a redirect is relayed and not followed; only the short list of headers goes on", async () => {
  const location = "ws://169.254.169.254/latest";
  bench.script = says(
    `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nSet-Cookie: a=b\r\nX-Internal: 1\r\nServer: x\r\nRetry-After: 3\r\nContent-Length: 0\r\n\r\n`,
  );
  const answer = await bench.expectRefusal(
    offer,
    relayed(302, { location, "retry-after": "3", "content-length": "0" }),
  );
  expect([...answer.headers.keys()].sort()).toEqual(["connection", "content-length", "location", "retry-after"]);
});

test("B13 of an endless body 64 KiB are relayed", async () => {
  bench.script = ({ socket }) => {
    socket.write("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n");
    const chunk = `4000\r\n${"x".repeat(0x4000)}\r\n`;
    const more = (): void => void (socket.destroyed || socket.write(chunk, () => setImmediate(more)));
    more();
  };
  const answer = await bench.expectRefusal(offer, relayed(401, { "www-authenticate": "Basic" }));
  expect(answer.body.length).toBe(65_536);
});

test.each<[string, (connection: BackendConnection) => void, string]>([
  [
    "drips without end",
    ({ socket }) => void socket.write("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nsome"),
    "some",
  ],
  ["is cut off", ({ socket }) => void socket.end("HTTP/1.1 403 No\r\nContent-Length: 100\r\n\r\nsome"), "some"],
  ["ends with the connection", ({ socket }) => void socket.end("HTTP/1.0 403 No\r\n\r\nall of it"), "all of it"],
])("B13 a refusal whose body %s keeps its status", async (_how, script, body) => {
  bench.script = script;
  expect((await bench.expectRefusal(offer, relayed(403))).body).toBe(body);
});

test("B13 1xx answers before a refusal are passed over", async () => {
  bench.script = says(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy",
  );
  expect((await bench.expectRefusal(offer, relayed(503))).body).toBe("busy");
});

/** What a backend's answer may not say to a browser, or to a proxy in front of the gateway. */
const ORDERS = [
  ...["Alt-Svc", "Proxy-Authentication-Info", "Proxy-Authorization", "Proxy-Authenticate", "Proxy-Connection"],
  ...["Strict-Transport-Security", "Public-Key-Pins", "Public-Key-Pins-Report-Only", "Expect-CT", "NEL", "Report-To"],
  ...["Reporting-Endpoints", "Clear-Site-Data", "Refresh", "TE", "Trailer", "X-Accel-Redirect", "X-Accel-Buffering"],
];

test("a refusal's orders to a browser do not go on either", async () => {
  const fields = [...ORDERS, "Set-Cookie"].map((name) => `${name}: x\r\n`).join("");
  bench.script = says(`HTTP/1.1 403 No\r\n${fields}Content-Length: 0\r\n\r\n`);
  const { headers } = await bench.expectRefusal(offer, relayed(403));
  expect([...headers.keys()].sort()).toEqual(["connection", "content-length"]);
});

test("1xx answers before the 101 are passed over, and its own fields go on but for those of this hop", async () => {
  bench.script = (connection) => {
    connection.socket.write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    connection.accept(
      [
        "Connection: X-Hop",
        "X-Hop: 1",
        "Set-Cookie: a=b",
        "Keep-Alive: 5",
        ...ORDERS.map((name) => `${name}: x`),
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: chat",
        "Sec-WebSocket-Extensions: permessage-deflate",
      ],
      text("hello"),
    );
  };
  const client = await bench.connect();
  client.socket.write(offer);
  const { status, headers } = await client.answer();
  expect(status).toBe(101);
  expect(Object.fromEntries(headers)).toEqual({
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-accept": "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "sec-websocket-protocol": "chat",
    "sec-websocket-extensions": "permessage-deflate",
    "set-cookie": "a=b",
  });
  await until("the first message came", () => client.payload.length > 0);
  expect(client.payload.equals(text("hello"))).toBe(true);
  client.socket.destroy();
});

test("eight interim answers before a 101 are passed over, and what comes behind it arrives whole and in order", async () => {
  const messages = Array.from({ length: 500 }, (_, n) => text(`message ${n} ${"x".repeat(100)}`));
  bench.script = (connection) => {
    says(HINTS.repeat(8))(connection);
    connection.accept([], Buffer.concat(messages));
  };
  const client = await bench.connect();
  client.socket.write(offer);
  expect((await client.answer()).status).toBe(101);
  const wanted = Buffer.concat(messages);
  await until("all of it came", () => client.payload.length >= wanted.length);
  expect(client.payload.equals(wanted)).toBe(true);
  client.socket.destroy();
});

test("B14 when clients leave, the connections of their backends are closed", async () => {
  for (let round = 0; round < 10; round += 1) {
    const clients = await Promise.all(Array.from({ length: 20 }, () => bench.connect()));
    for (const client of clients) client.socket.write(offer);
    await Promise.all(clients.map((client) => client.answer()));
    clients.forEach(({ socket }, at) => (at % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()));
  }
  await bench.gateway.empty();
  const gone = (): boolean => bench.backend.connections.every(({ ended, closed }) => ended || closed);
  await until("every connection of the backend has ended", gone);
  expect(await bench.gateway.metric("connections")).toBe(0);
});

test.each([
  ["empty", ""],
  ["tiny", "x"],
])("B16 %s continuation frames without end end the session on both sides", async (_what, payload) => {
  bench.script = (connection) => {
    const one = frame({ opcode: 0, fin: false, payload });
    connection.accept([], Buffer.concat([frame({ opcode: 1, fin: false, payload }), ...Array<Buffer>(200).fill(one)]));
  };
  const client = await bench.connect();
  client.socket.write(offer);
  const last = (): ReturnType<typeof parse>["frames"][number] | undefined => parse(client.payload).frames.at(-1);
  await until("the client is told", () => last()?.opcode === 8);
  expect(closeOf(last()!)).toEqual({ code: 1008, reason: "TooManyFragments" });
  const told = (): boolean => parse(bench.backend.last.payload).frames.some(({ opcode }) => opcode === 8);
  await until("the backend is told", told);
  client.socket.destroy();
  bench.backend.last.socket.destroy();
  await bench.gateway.empty();
});

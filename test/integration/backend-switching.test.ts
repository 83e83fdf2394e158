import { afterAll, beforeAll, expect, test } from "vitest";
import type { BackendConnection } from "../fakes/backends.ts";
import { text } from "../fakes/frames.ts";
import { base, Bench, type Wanted } from "../fakes/oracle.ts";
import { until } from "../fakes/sockets.ts";
import { switching } from "../fakes/switching.ts";

// The ways in which servers and frameworks write their 101.

const bench = new Bench();
beforeAll(() => bench.open());
afterAll(() => bench.close());

const BAD: Wanted = { status: 502, reason: "BackendBadHandshake", dials: 1 };
const offer = base({ headers: { "Sec-WebSocket-Protocol": "chat, super" } });

test.each<[string, (connection: BackendConnection) => void]>([
  ["a length of zero", switching({ "Content-Length": "0" })],
  ["a length of zero in lower case", switching({ "content-length": "0" })],
  ["keep-alive, too", switching({ Connection: "upgrade, keep-alive", "Keep-Alive": "timeout=5" })],
  ["keep-alive on a line of its own", switching({ Connection: ["keep-alive", "Upgrade"] })],
  ["WebSocket in other letters", switching({ Upgrade: "WebSocket", Connection: "UPGRADE" })],
  ["empty elements in its lists", switching({ Upgrade: "websocket,", Connection: ", Upgrade,,", Vary: "," })],
  ["an empty subprotocol and extension", switching({ "Sec-WebSocket-Protocol": "", "Sec-WebSocket-Extensions": "" })],
  ["white space around its values", switching({ Upgrade: "  websocket \t", Connection: "\tUpgrade " })],
  ["no reason", switching({}, "HTTP/1.1 101 ")],
  ["no reason and no space", switching({}, "HTTP/1.1 101")],
  ["a reason in lower case", switching({}, "HTTP/1.1 101 switching protocols")],
  ["another reason", switching({}, "HTTP/1.1 101 Web Socket Protocol Handshake")],
  [
    "what servers say in every answer",
    switching({ Date: "x", Server: "y", "Content-Type": "text/plain", Vary: "Origin" }),
  ],
])("a 101 with %s is a 101, and the bytes behind it are frames", async (_what, script) => {
  bench.script = (connection) => {
    connection.socket.cork();
    script(connection);
    connection.socket.write(text("hello"));
    connection.socket.uncork();
  };
  const client = await bench.connect();
  client.socket.write(offer);
  const { status, headers } = await client.answer();
  expect(status).toBe(101);
  const hop = ["content-length", "keep-alive", "sec-websocket-protocol", "sec-websocket-extensions"];
  expect(hop.filter((name) => headers.has(name))).toEqual([]);
  await until("the first message came", () => client.payload.length > 0);
  expect(client.payload.equals(text("hello"))).toBe(true);
  client.socket.destroy();
  bench.backend.last.socket.destroy();
  await bench.gateway.empty();
});

test.each<[string, (connection: BackendConnection) => void]>([
  ["Content-Length", switching({ "Content-Length": "5" })],
  ["Content-Length", switching({ "Content-Length": ["0", "0"] })],
  ["Transfer-Encoding", switching({ "Transfer-Encoding": "chunked" })],
  ["Sec-WebSocket-Accept", switching({ "Sec-WebSocket-Accept": "x" })],
  ["Sec-WebSocket-Protocol", switching({ "Sec-WebSocket-Protocol": "other" })],
  ["Upgrade", switching({ Upgrade: "h2c" })],
  ["Upgrade", switching({ Upgrade: null })],
  ["Connection", switching({ Connection: null })],
  ["Connection", switching({ Connection: "keep-alive" })],
])("the log of a 502 names the header of the 101 that is wrong: %s", async (name, script) => {
  bench.script = script;
  const before = bench.gateway.lines.length;
  await bench.expectRefusal(offer, BAD);
  const refused = bench.gateway.lines.slice(before).map(({ fields }) => fields["cause"]);
  expect(refused).toContainEqual(expect.stringContaining(name));
});

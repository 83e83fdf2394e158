import { deflateRawSync } from "node:zlib";
import { afterEach, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, request } from "../fakes/clients.ts";
import { close, frame, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live, type ClientParts } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

/** Hostile frames of groups F and B in test/threats.md, through the whole gateway. */

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close();
});

class Bench {
  readonly gateway: TestGateway;
  readonly backend: RawBackend;

  private constructor(gateway: TestGateway, backend: RawBackend) {
    this.gateway = gateway;
    this.backend = backend;
  }

  /** `lines` of the backend's 101; it hangs up when it is hung up on, unless it `clings`. */
  static async open(policies: object = {}, lines: readonly string[] = [], clings = false): Promise<Bench> {
    const backend = await new RawBackend((connection) => {
      if (!clings) connection.socket.once("end", () => connection.socket.end());
      connection.accept(lines);
    }).open();
    const gateway = await new TestGateway().serve({ routes: [{ policies: { ...policies } }] }, [backend.port]);
    open.push(backend, gateway);
    return new Bench(gateway, backend);
  }

  session(parts?: ClientParts): Promise<Live> {
    return Live.open(this.gateway, this.backend, parts);
  }

  /** Ended with this code and reason, counted once; nothing is left, and the next session works. */
  async expectClosed(live: Live, code: number, reason: string): Promise<void> {
    live.client.socket.end();
    live.backend.socket.end();
    await this.gateway.empty();
    const labels = { code: String(code), reason, by: "gateway" };
    expect(await this.gateway.metric("connections_closed_total", labels)).toBe(1);
    expect((await this.gateway.admin("/healthz")).status).toBe(200);
    const next = await this.session();
    await next.lives();
    next.client.socket.destroy();
    await this.gateway.empty();
  }
}

const mask = true;
const zeros = (size: number): Buffer => Buffer.alloc(size);

test.each<[string, Buffer]>([
  ["F1 unmasked", text("x")],
  ["F2 RSV1 without an extension", frame({ rsv: 4, mask, payload: "x" })],
  ["F2 RSV2", frame({ rsv: 2, mask, payload: "x" })],
  ["F2 RSV3", frame({ rsv: 1, mask, payload: "x" })],
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer] => [
    `F2 opcode ${opcode}`,
    frame({ opcode, mask, payload: "x" }),
  ]),
  ["F2 ping of 126 bytes", frame({ opcode: 9, mask, payload: zeros(126) })],
  ["F2 ping in fragments", frame({ opcode: 9, fin: false, mask, payload: "x" })],
  ["F2 Close in fragments", frame({ opcode: 8, fin: false, mask, payload: zeros(2) })],
  ["F2 Close of one byte", frame({ opcode: 8, mask, payload: "x" })],
  ...[0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000].map((code): [string, Buffer] => [
    `F2 Close code ${code}`,
    close(code, "", mask),
  ]),
  ["F2 continuation of nothing", frame({ opcode: 0, mask, payload: "x" })],
  ["F2 a message within a message", Buffer.concat([frame({ fin: false, mask, payload: "a" }), text("b", mask)])],
])("%s is 1002 to both ends", async (_what, bytes) => {
  const it = await Bench.open();
  const live = await it.session();
  live.client.send(text("fine", mask), bytes, text("never", mask));
  const told = "1002 ProtocolError";
  expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
  expect(live.texts("fromClient")[0]).toBe("fine");
  expect(live.backend.payload.includes(text("never", mask).subarray(-5))).toBe(false);
  await it.expectClosed(live, 1002, "ProtocolError");
});

test("F3 text that is not UTF-8 is forwarded as it is, whole and split, and the backend's 1007 is carried back", async () => {
  const it = await Bench.open();
  const live = await it.session();
  const bytes = Buffer.concat([
    frame({ mask, payload: Buffer.from([0xc3, 0x28]) }),
    frame({ fin: false, mask, payload: Buffer.from([0xe2, 0x82]) }),
    frame({ opcode: 0, mask, payload: Buffer.from([0xac, 0xff]) }),
  ]);
  live.client.send(bytes);
  await until("forwarded", () => live.backend.payload.length === bytes.length);
  expect(live.backend.payload.equals(bytes)).toBe(true);
  live.backend.send(close(1007, "not UTF-8"));
  await live.arrived("fromBackend", 1);
  expect(live.client.payload.equals(close(1007, "not UTF-8"))).toBe(true);
  live.client.send(close(1007, "", mask));
  await until("carried over", () => live.backend.ended);
  live.client.socket.end();
  await it.gateway.empty();
  expect(await it.gateway.metric("connections_closed_total", { code: "1007", by: "backend" })).toBe(1);
});

test("F4 a header that claims 2^63-1 bytes is 1009 before any of them comes", async () => {
  const it = await Bench.open();
  const live = await it.session();
  live.client.send(Buffer.from([0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4]));
  expect(await live.ended()).toEqual({ toClient: "1009 MessageTooBig", toBackend: "1009 MessageTooBig" });
  await it.expectClosed(live, 1009, "MessageTooBig");
});

const fragments = (...sizes: number[]): Buffer =>
  Buffer.concat(
    sizes.map((size, at) =>
      frame({ opcode: at === 0 ? 2 : 0, fin: at === sizes.length - 1, mask, payload: zeros(size) }),
    ),
  );

test.each<[string, Buffer, boolean]>([
  ["1 less, in one frame", fragments(65_535), true],
  ["exactly as much, in one frame", fragments(65_536), true],
  ["1 more, in one frame", fragments(65_537), false],
  ["1 less, in fragments", fragments(40_000, 0, 25_535), true],
  ["exactly as much, in fragments", fragments(40_000, 25_535, 1), true],
  ["1 more, in fragments", fragments(40_000, 25_535, 2), false],
])("F5 a message against messageSize, %s, is carried: $2", async (_what, bytes, passes) => {
  const it = await Bench.open({ messageSize: { fromClient: "64Ki", fromBackend: "1Mi", maxFragments: 4096 } });
  const live = await it.session();
  live.client.send(bytes);
  if (passes) {
    await until("it arrived", () => live.backend.payload.length === bytes.length);
    return live.lives();
  }
  expect(await live.ended()).toEqual({ toClient: "1009 MessageTooBig", toBackend: "1009 MessageTooBig" });
  await it.expectClosed(live, 1009, "MessageTooBig");
});

test.each<["F7" | "B16", "fromClient" | "fromBackend", number]>([
  ["F7", "fromClient", 0],
  ["F7", "fromClient", 1],
  ["B16", "fromBackend", 0],
  ["B16", "fromBackend", 1],
])("%s continuation frames without end %s, of %d bytes, are 1008 at the first too many", async (_row, from, size) => {
  const it = await Bench.open({ messageSize: { fromClient: "1Mi", fromBackend: "1Mi", maxFragments: 100 } });
  const live = await it.session();
  const masked = from === "fromClient";
  const more = frame({ opcode: 0, fin: false, mask: masked, payload: zeros(size) });
  const start = frame({ fin: false, mask: masked, payload: zeros(size) });
  live.sender(from).send(start, ...Array.from({ length: 500 }, () => more));
  const told = "1008 TooManyFragments";
  expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
  expect(live.frames(from)).toHaveLength(100 + 1);
  await it.expectClosed(live, 1008, "TooManyFragments");
});

const BOMB = deflateRawSync(Buffer.alloc(64 * 1024 * 1024), { level: 9 });

test("F8, B17 a deflate bomb is carried as the wire bytes it is", async () => {
  const it = await Bench.open({ messageSize: { fromClient: "128Ki", fromBackend: "128Ki", maxFragments: 16 } }, [
    "Sec-WebSocket-Extensions: permessage-deflate",
  ]);
  const live = await it.session({ headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
  expect(BOMB.length).toBeLessThan(131_072);
  const before = process.memoryUsage();
  const up = frame({ opcode: 2, rsv: 4, mask, payload: BOMB });
  const down = frame({ opcode: 2, rsv: 4, payload: BOMB });
  live.client.send(up);
  live.backend.send(down);
  await until(
    "both carried",
    () => live.backend.payload.length === up.length && live.client.payload.length === down.length,
  );
  const after = process.memoryUsage();
  expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(8 * 1024 * 1024);
  await live.lives();
});

test("F8 with compression Disabled a deflate bomb ends the session with 1002", async () => {
  const it = await Bench.open({ compression: "Disabled" });
  const live = await it.session({ headers: { "Sec-WebSocket-Extensions": "permessage-deflate" } });
  expect(live.backend.values("sec-websocket-extensions")).toEqual([]);
  live.client.send(frame({ opcode: 2, rsv: 4, mask, payload: BOMB }));
  expect(await live.ended()).toEqual({ toClient: "1002 ProtocolError", toBackend: "1002 ProtocolError" });
  await it.expectClosed(live, 1002, "ProtocolError");
});

test("B17 an extension parameter that no client can have offered is 502", async () => {
  const it = await Bench.open({}, ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99"]);
  const headers = { "Sec-WebSocket-Extensions": "permessage-deflate; server_max_window_bits=10" };
  const client = await RawClient.send(it.gateway.port, request({ headers }));
  expect((await client.answer()).status).toBe(502);
  await it.gateway.empty();
});

test.each(["fromClient", "fromBackend"] as const)(
  "F10 a flood of pings %s ends the session with 1008, and few of them are forwarded",
  async (from) => {
    const it = await Bench.open();
    const live = await it.session();
    const ping = frame({ opcode: 9, mask: from === "fromClient", payload: "x" });
    const flood = Buffer.concat(Array.from({ length: 10_000 }, () => ping));
    for (let n = 0; n < 10; n += 1) live.sender(from).send(flood);
    const told = "1008 PingFlood; retry-after=1";
    expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
    expect(live.frames(from).length).toBeLessThan(2000);
    await it.expectClosed(live, 1008, "PingFlood");
  },
);

test("F10 pings of a client that reads nothing, each answered by the backend, are stopped too", async () => {
  const it = await Bench.open();
  const live = await it.session();
  live.client.socket.pause();
  const pong = frame({ opcode: 10, payload: zeros(125) });
  live.backend.socket.on("data", () => live.backend.send(pong));
  const ping = frame({ opcode: 9, mask, payload: zeros(125) });
  for (let n = 0; n < 100; n += 1) live.client.send(Buffer.concat(Array.from({ length: 100 }, () => ping)));
  await until("the backend is told", () => live.backend.told);
  const told = "1008 PingFlood; retry-after=1";
  live.client.socket.resume();
  expect(await live.ended()).toEqual({ toClient: told, toBackend: told });
  await it.expectClosed(live, 1008, "PingFlood");
});

test("F13 a Close that is never answered ends the session after 5 s, whichever end sent it", async () => {
  const it = await Bench.open({}, [], true);
  const [up, down] = [await it.session(), await it.session()];
  const started = Date.now();
  up.client.send(close(1000, "", mask));
  down.backend.send(close(1000));
  await up.arrived("fromClient", 1);
  await down.arrived("fromBackend", 1);
  expect(it.gateway.sessions).toBe(2);
  await it.gateway.empty();
  expect(Date.now() - started).toBeGreaterThan(4900);
  for (const by of ["client", "backend"]) {
    expect(await it.gateway.metric("connections_closed_total", { code: "1000", by })).toBe(1);
  }
});

test("B14 a client that leaves while its backend keeps its socket open leaves nothing behind", async () => {
  const it = await Bench.open({}, [], true);
  const rounds = Array.from({ length: 50 }, async (_, n) => {
    const client = await RawClient.send(it.gateway.port, request());
    expect((await client.answer()).status).toBe(101);
    if (n % 2 === 0) client.socket.end();
    else client.socket.resetAndDestroy();
  });
  await Promise.all(rounds);
  expect(it.backend.connections).toHaveLength(50);
  await it.gateway.empty(); // no backend has closed: the gateway did, after its patience
  expect(await it.gateway.metric("connections")).toBe(0);
  expect(await it.gateway.metric("connections_closed_total", { code: "1006", by: "client" })).toBe(50);
  await until("every backend has seen the end", () => it.backend.connections.every(({ ended }) => ended));
});

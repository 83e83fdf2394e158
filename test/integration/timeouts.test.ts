import { afterEach, beforeEach, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { FakeClock } from "../fakes/clock.ts";
import { frame, text } from "../fakes/frames.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { Live } from "../fakes/live.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let clock: FakeClock;
let random: () => number;

beforeEach(async () => {
  clock = new FakeClock();
  random = () => 0;
  backend = await new RawBackend().open();
  gateway = new TestGateway(clock, () => random());
});
afterEach(async () => {
  await gateway.close();
  await backend.close();
});

const off = { keepalive: { interval: "0s" } };
const serve = (policies: object): Promise<unknown> =>
  gateway.serve({ routes: [{ policies: { ...off, ...policies } }] }, [backend.port]);
const open = (): Promise<Live> => Live.open(gateway, backend);
const ping = (payload: string): Buffer => frame({ opcode: 9, mask: true, payload });
const pong = (payload: Buffer | string): Buffer => frame({ opcode: 10, mask: true, payload });

test.each(["fromClient", "fromBackend"] as const)(
  "a message %s starts the idle time anew; a ping does not",
  async (from) => {
    await serve({ timeouts: { idle: "1m" } });
    const live = await open();
    clock.advance(59_999);
    live.sender(from).send(text("a", from === "fromClient"));
    await live.arrived(from, 1);
    clock.advance(59_999);
    await live.lives();
    clock.advance(1);
    expect(await live.ended()).toEqual({ toClient: "3008 IdleTimeout", toBackend: "3008 IdleTimeout" });
  },
);

test.each([
  [0, 60_000],
  [0.5, 57_000],
  [0.999, 54_006],
])("with a share of %d a lifetime of one minute ends after %d ms, however busy", async (share, ms) => {
  random = () => share;
  await serve({ timeouts: { lifetime: "1m" } });
  const live = await open();
  clock.advance(ms - 1);
  await live.lives();
  clock.advance(1);
  expect(await live.ended()).toEqual({ toClient: "3008 LifetimeEnded", toBackend: "3008 LifetimeEnded" });
});

test("sessions that began together do not end together", async () => {
  random = Math.random;
  await serve({ timeouts: { lifetime: "100s" } });
  const lives: Live[] = [];
  while (lives.length < 40) lives.push(await open());
  const gone = (): number => lives.filter(({ client }) => client.payload.length > 0).length;
  clock.advance(89_999);
  await Promise.all(lives.map((live) => live.lives()));
  const seen: number[] = [];
  for (let second = 90; second <= 100; second += 1) {
    clock.advance(second === 100 ? 1 : 1000);
    const left = lives.filter(({ client }) => !client.told);
    await Promise.all(left.map((live) => live.lives().catch(() => {})));
    seen.push(gone());
  }
  expect(seen.at(-1)).toBe(40);
  expect(new Set(seen).size).toBeGreaterThan(5);
});

test("pings of both ends are forwarded, and so are pongs that answer no ping of the gateway", async () => {
  await serve({ keepalive: { interval: "30s", timeout: "10s" } });
  const live = await open();
  live.client.send(ping("from client"), pong("unasked"));
  live.backend.send(frame({ opcode: 9, payload: "from backend" }));
  await live.arrived("fromClient", 2);
  await live.arrived("fromBackend", 1);
  live.client.send(pong("from backend"));
  await live.arrived("fromClient", 3);
  expect(live.frames("fromClient").map(({ opcode, payload }) => `${opcode} ${String(payload)}`)).toEqual([
    ...["9 from client", "10 unasked", "10 from backend"],
  ]);
  expect(live.texts("fromBackend")).toEqual(["from backend"]);
});

test("the pong to each of the gateway's pings does not reach the backend", async () => {
  await serve({ keepalive: { interval: "30s", timeout: "10s" } });
  const live = await open();
  for (let turn = 1; turn <= 3; turn += 1) {
    clock.advance(30_000);
    await live.arrived("fromBackend", turn);
    const asked = live.frames("fromBackend")[turn - 1];
    expect(asked?.opcode).toBe(9);
    live.client.send(pong(asked?.payload ?? ""), text(`${turn}`, true));
    await live.arrived("fromClient", turn);
  }
  expect(live.frames("fromClient").map(({ opcode, payload }) => `${opcode} ${String(payload)}`)).toEqual([
    "1 1",
    "1 2",
    "1 3",
  ]);
});

test.each([
  ["a pong with other words", [pong("other")]],
  ["a message", [text("here", true)]],
  ["a part of a frame", [text("here", true).subarray(0, 8)]],
  ["a part of a header", [text("here", true).subarray(0, 1)]],
])("a client that answers our ping with %s is alive", async (_, words) => {
  await serve({ keepalive: { interval: "30s", timeout: "10s" } });
  const live = await open();
  clock.advance(30_000);
  await live.arrived("fromBackend", 1);
  live.client.send(...words);
  const [session] = gateway.gateway.proxies.flatMap(({ sessions }) => [...sessions]);
  await until("it was read", () => live.backend.payload.length > 0 || (session?.buffered ?? 0) > 0);
  clock.advance(10_000);
  expect(live.client.told).toBe(false);
  clock.advance(20_000);
  await live.arrived("fromBackend", 2);
});

test.each([
  ["nothing", false, [] as Buffer[]],
  ["nothing, strict", true, []],
  ["a pong with other words, strict", true, [pong("other")]],
  ["a message, strict", true, [text("here", true)]],
])(
  "a client that answers our ping with %s ends with KeepaliveTimeout when the time is over",
  async (_, strict, words) => {
    await serve({ keepalive: { interval: "30s", timeout: "10s", strict } });
    const live = await open();
    clock.advance(30_000);
    await live.arrived("fromBackend", 1);
    if (words.length > 0) live.client.send(...words);
    await live.arrived("fromClient", words.length);
    clock.advance(9_999);
    expect(live.client.told).toBe(false);
    clock.advance(1);
    expect(await live.ended()).toEqual({ toClient: "3008 KeepaliveTimeout", toBackend: "3008 KeepaliveTimeout" });
    expect(gateway.lines.filter(({ message }) => message === "session closed")).toHaveLength(0);
    clock.advance(2000);
    await until("it is logged", () => gateway.lines.some(({ message }) => message === "session closed"));
    expect(gateway.lines.at(-1)?.fields).toMatchObject({ code: 3008, reason: "KeepaliveTimeout", by: "gateway" });
  },
);

import { afterEach, expect, test } from "vitest";
import type { Endpoint } from "../../api/config.ts";
import { RawBackend, type BackendConnection } from "../../test/fakes/backends.ts";
import { REFUSING_PORTS } from "../../test/fakes/ports.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { until } from "../../test/fakes/sockets.ts";
import { dial, type DialOutcome } from "./backend.ts";
import { BackendTlsCache } from "./tls.ts";
import { Spread } from "../../runtime/loop/spread.ts";
import type { Balancer, Target } from "./balancer.ts";
import type { OutgoingRequest } from "../policies/outgoing.ts";

const backends: RawBackend[] = [];
afterEach(async () => {
  for (const one of backends.splice(0)) await one.close();
});

async function backend(script?: (connection: BackendConnection) => void): Promise<RawBackend> {
  const one = await new RawBackend(script).open();
  backends.push(one);
  return one;
}

/** Endpoints in this order, and what was told about each. */
class Scripted implements Balancer {
  readonly open = new Map<number, number>();
  readonly shunned: number[] = [];
  tried = 0;
  /** To be told that a port is gone. */
  readonly waiting = new Map<number, () => void>();
  /** With TLS, a server that sends nothing keeps the dial waiting. */
  tls: Target["backend"]["tls"];
  /** Ports of the pod itself. */
  readonly here = new Set<number>();
  readonly #ports: readonly number[];

  constructor(...ports: number[]) {
    this.#ports = ports;
  }

  setEndpoints(): void {}

  follow(): void {}

  *pick(): Generator<Target> {
    for (const port of this.#ports) {
      this.tried += 1;
      const address = this.here.has(port) ? "localhost" : "127.0.0.1";
      const endpoint: Endpoint = { address, port, state: "Ready" };
      const count = (change: number): void => void this.open.set(port, (this.open.get(port) ?? 0) + change);
      yield {
        backend: { endpoints: "echo:80", weight: 1, ...(this.tls === undefined ? {} : { tls: this.tls }) },
        endpoint,
        whenGone: (tell) => {
          this.waiting.set(port, tell);
          return () => this.waiting.delete(port);
        },
        enter: () => {
          count(1);
          let inside = true;
          return () => {
            if (inside) count(-1);
            inside = false;
          };
        },
        refused: () => this.shunned.push(port),
      };
    }
  }

  /** Connections that are counted now. */
  get counted(): number {
    return [...this.open.values()].reduce((sum, one) => sum + one, 0);
  }
}

const REQUEST: OutgoingRequest = {
  target: "/ws?a=b",
  authority: "a.test",
  headers: [
    ["X-Two", "1"],
    ["X-Two", "2"],
  ],
  protocols: ["chat", "super"],
  extensions: "permessage-deflate",
};

function start(
  balancer: Balancer,
  signal = new AbortController().signal,
  timeout = 1000,
  stopping = () => false,
): { clock: FakeClock; outcome: Promise<DialOutcome> } {
  const clock = new FakeClock();
  const options = {
    timeout,
    signal,
    clock,
    tls: new BackendTlsCache(),
    ownPort: () => undefined,
    stopping,
    answers: new Spread(clock),
  };
  return { clock, outcome: dial(balancer, REQUEST, options) };
}

test("the request has the fields of the handshake first, each once, and then those of the client", async () => {
  const one = await backend();
  const outcome = await start(new Scripted(one.port)).outcome;
  expect(outcome.kind).toBe("open");
  const [line, ...fields] = one.last.head.trimEnd().split("\r\n");
  expect(line).toBe("GET /ws?a=b HTTP/1.1");
  expect(fields.map((field) => field.replace(/^(Sec-WebSocket-Key: )[A-Za-z0-9+/]{22}==$/, "$1…"))).toEqual([
    "Host: a.test",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Key: …",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Protocol: chat, super",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "X-Two: 1",
    "X-Two: 2",
  ]);
  if (outcome.kind === "open") outcome.backend.socket.destroy();
});

test("each handshake has a key of its own", async () => {
  const one = await backend();
  for (let n = 0; n < 3; n += 1) await start(new Scripted(one.port)).outcome;
  expect(new Set(one.connections.flatMap((it) => it.values("sec-websocket-key"))).size).toBe(3);
});

test("an open connection is not read, has what came behind the 101, and counts until it is released", async () => {
  const one = await backend((it) => it.accept(["Sec-WebSocket-Protocol: chat", "X-Own: 1"], Buffer.from("early")));
  const balancer = new Scripted(one.port);
  const outcome = await start(balancer).outcome;
  if (outcome.kind !== "open") throw new Error(outcome.kind);
  const { socket, early, protocol, headers, endpoint, release } = outcome.backend;
  expect([early.toString(), protocol, headers, endpoint]).toEqual([
    "early",
    "chat",
    [["X-Own", "1"]],
    `127.0.0.1:${one.port}`,
  ]);
  expect(socket.isPaused() || socket.readableFlowing !== true).toBe(true);
  expect(balancer.counted).toBe(1);
  release();
  expect(balancer.counted).toBe(0);
  socket.destroy();
});

test("an endpoint that refuses is passed over and reported; at most three are tried", async () => {
  const one = await backend();
  const [a, b, c] = REFUSING_PORTS;
  const passed = new Scripted(a, b, one.port);
  expect((await start(passed).outcome).kind).toBe("open");
  expect([passed.shunned, passed.counted]).toEqual([[a, b], 1]);
  const exhausted = new Scripted(a, b, c, one.port);
  expect(await start(exhausted).outcome).toMatchObject({ kind: "refused", refusal: { reason: "BackendUnreachable" } });
  expect([exhausted.tried, exhausted.counted]).toEqual([3, 0]);
  expect(await start(new Scripted()).outcome).toEqual({
    kind: "refused",
    refusal: { reason: "NoEndpoints", retryAfter: 1 },
  });
});

test("a process of the pod itself that does not listen yet is waited for, for three seconds, if all else refuses", async () => {
  const one = await backend();
  const { port } = one;
  await one.close();
  const balancer = new Scripted(port, REFUSING_PORTS[0]);
  balancer.here.add(port);
  const { clock, outcome } = start(balancer, undefined, 60_000);
  await until("both were dialled", () => clock.has(50));
  expect(balancer.shunned).toEqual([port, REFUSING_PORTS[0]]);
  clock.advance(50);
  await until("it was dialled again", () => clock.has(100));
  await one.open(port);
  clock.advance(100);
  const opened = await outcome;
  if (opened.kind !== "open") throw new Error(opened.kind);
  opened.backend.socket.destroy();
  opened.backend.release();
  await one.close();
  const late = start(balancer, undefined, 60_000);
  let waited = 0;
  for (const pause of [50, 100, 200, 400, 800, 1450]) {
    await until(`it waits for ${pause} ms`, () => late.clock.has(pause));
    late.clock.advance(pause);
    waited += pause;
  }
  const words = new RegExp(`ECONNREFUSED 127\\.0\\.0\\.1:${port}`);
  const refusal = { reason: "BackendUnreachable", cause: expect.stringMatching(words) as string };
  expect(await late.outcome).toEqual({ kind: "refused", refusal });
  expect([waited, balancer.counted, late.clock.pending]).toEqual([3000, 0, 0]);
});

test("a process of the pod itself that does not listen is told as unreachable, however short the time for a dial is", async () => {
  const balancer = new Scripted(REFUSING_PORTS[0]);
  balancer.here.add(REFUSING_PORTS[0]);
  const { clock, outcome } = start(balancer, undefined, 200);
  for (const pause of [50, 50]) {
    await until(`it waits for ${pause} ms`, () => clock.has(pause));
    clock.advance(pause);
  }
  expect(await outcome).toMatchObject({ kind: "refused", refusal: { reason: "BackendUnreachable" } });
  expect([balancer.shunned.length, clock.pending]).toEqual([3, 0]);
});

test("a process of the pod itself that is gone is not waited for while the gateway stops", async () => {
  const balancer = new Scripted(REFUSING_PORTS[0]);
  balancer.here.add(REFUSING_PORTS[0]);
  let stops = false;
  const { clock, outcome } = start(balancer, undefined, 60_000, () => stops);
  await until("it was dialled", () => clock.has(50));
  stops = true;
  clock.advance(50);
  expect(await outcome).toMatchObject({ kind: "refused", refusal: { reason: "BackendUnreachable" } });
  expect([balancer.shunned.length, clock.pending]).toEqual([2, 0]);
  expect(await start(balancer, undefined, 60_000, () => true).outcome).toMatchObject({ kind: "refused" });
  expect(balancer.shunned.length).toBe(3);
});

test("a client that leaves while a process of the pod starts is not dialled for any more", async () => {
  const balancer = new Scripted(REFUSING_PORTS[0]);
  balancer.here.add(REFUSING_PORTS[0]);
  const stop = new AbortController();
  const { clock, outcome } = start(balancer, stop.signal);
  await until("it was dialled", () => clock.has(50));
  stop.abort();
  expect(await outcome).toMatchObject({ kind: "refused", refusal: { reason: "BackendUnreachable" } });
  expect([balancer.shunned.length, balancer.counted, clock.pending]).toEqual([1, 0, 0]);
});

test.each<[string, (connection: BackendConnection) => void, string]>([
  ["hangs up", ({ socket }) => socket.destroy(), "BackendUnreachable"],
  ["says nonsense", ({ socket }) => void socket.write("nonsense\r\n\r\n"), "BackendBadHandshake"],
  [
    "accepts wrongly",
    ({ socket }) => void socket.write("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    "BackendBadHandshake",
  ],
])(
  "nothing is tried again once the request was sent: an endpoint that %s is the last",
  async (_how, script, reason) => {
    const one = await backend(script);
    const balancer = new Scripted(one.port, one.port);
    expect(await start(balancer).outcome).toMatchObject({ kind: "refused", refusal: { reason } });
    expect([one.connections.length, balancer.counted, balancer.shunned]).toEqual([1, 0, []]);
  },
);

test("an endpoint that is gone before it has answered the dial is left at once, and is none of the three", async () => {
  const silent = await Promise.all([backend(), backend(), backend(), backend()]);
  const balancer = new Scripted(...silent.map(({ port }) => port));
  balancer.tls = { serverName: "echo.internal" };
  const { clock, outcome } = start(balancer);
  for (const one of silent) {
    await until("it is dialled", () => one.connections.length === 1 && balancer.waiting.has(one.port));
    balancer.waiting.get(one.port)?.();
    await until("it is left", () => one.last.closed || one.last.ended);
  }
  expect(await outcome).toEqual({ kind: "refused", refusal: { reason: "NoEndpoints", retryAfter: 1 } });
  expect([balancer.counted, balancer.shunned, balancer.waiting.size, clock.pending]).toEqual([0, [], 0, 0]);
});

test("an endpoint that is gone after the request has been sent may still answer it", async () => {
  const one = await backend(() => {});
  const balancer = new Scripted(one.port);
  const { outcome } = start(balancer);
  await until("the request came", () => (one.connections[0]?.head ?? "") !== "");
  expect(balancer.waiting.size).toBe(0);
  one.last.accept();
  const { kind } = await outcome;
  expect(kind).toBe("open");
});

test("at the deadline the attempt fails and its connection is closed", async () => {
  const one = await backend(() => {});
  const balancer = new Scripted(one.port, one.port);
  const { clock, outcome } = start(balancer);
  await until("the request came", () => (one.connections[0]?.head ?? "") !== "");
  clock.advance(999);
  expect(balancer.counted).toBe(1);
  clock.advance(1);
  expect(await outcome).toEqual({ kind: "refused", refusal: { reason: "BackendTimeout" } });
  expect([balancer.counted, clock.pending]).toEqual([0, 0]);
  await until("the backend sees it", () => one.last.ended || one.last.closed);
});

test("a client that leaves ends the attempt: before the dial, while it waits, and while a refusal is read", async () => {
  const silent = await backend(() => {});
  const balancer = new Scripted(silent.port);
  expect((await start(balancer, AbortSignal.abort()).outcome).kind).toBe("refused");
  const dripping = await backend(({ socket }) => void socket.write("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nsome"));
  for (const one of [silent, dripping]) {
    const stop = new AbortController();
    const counting = new Scripted(one.port);
    const { clock, outcome } = start(counting, stop.signal);
    await until("the request came", () => one.connections.some(({ head }) => head !== ""));
    stop.abort();
    await outcome;
    expect([counting.counted, clock.pending]).toEqual([0, 0]);
    await until("the backend sees it", () => one.last.ended || one.last.closed);
  }
});

test("a refusal is relayed with its status, a short list of its fields, and what came of its body", async () => {
  const head =
    "HTTP/1.1 403 Not You\r\nContent-Type: text/plain\r\nContent-Encoding: x\r\nX-Own: 1\r\nContent-Length: 9\r\n\r\n";
  const one = await backend(({ socket }) => void socket.end(`${head}some`));
  const balancer = new Scripted(one.port);
  const { clock, outcome } = start(balancer);
  expect(await outcome).toEqual({
    kind: "relay",
    status: 403,
    statusText: "Not You",
    headers: [
      ["Content-Type", "text/plain"],
      ["Content-Encoding", "x"],
    ],
    body: Buffer.from("some"),
  });
  expect([balancer.counted, clock.pending]).toEqual([0, 0]);
});

import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { binary, close, frame, text } from "../../test/fakes/frames.ts";
import { limit, planOf } from "../../test/fakes/tunnel.ts";
import { LoopShare } from "../../runtime/loop/loop-share.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { BufferBudget } from "../process/buffer-budget.ts";
import type { ByteSink, ByteSource } from "./byte-source.ts";
import { tunnel } from "./tunnel.ts";

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A socket and its bytes, of which the test says what the peer sends and when it takes something. */
class ScriptedSocket extends EventEmitter implements ByteSource {
  readonly socket = this as unknown as Socket;
  readonly ahead = 0;
  readonly _handle = { bytesWritten: 0, writeQueueSize: 0 };
  readonly #unread: Buffer[] = [];
  #unflushed: [bytes: Buffer, written: () => void][] = [];
  #sink: ByteSink | undefined;
  #paused = true;
  #fin: "none" | "sent" | "seen" = "none";
  #end: "none" | "asked" | "flushed" = "none";
  stalled = false;
  destroyed = false;
  closed = false;

  get writable(): boolean {
    return !this.destroyed && this.#end === "none";
  }
  get writableLength(): number {
    return this.#unflushed.reduce((sum, [{ length }]) => sum + length, 0);
  }
  write(bytes: Buffer, written: () => void): void {
    if (this.stalled) this.#unflushed.push([bytes, written]);
    else process.nextTick(written);
  }
  end(): void {
    if (this.#end === "none") this.#end = "asked";
    this.#settle();
  }
  destroy(): void {
    if (this.destroyed) return;
    this.destroyed = true;
    setImmediate(() => {
      this.closed = true;
      for (const [, written] of this.#unflushed.splice(0)) written();
      this.#tellEnd();
      this.emit("close");
    });
  }
  resetAndDestroy(): void {
    this.destroy();
  }
  _destroy(): void {}

  to(sink: ByteSink): void {
    this.#sink = sink;
  }
  pause(): void {
    this.#paused = true;
  }
  resume(): void {
    this.#paused = false;
    setImmediate(() => this.#read());
  }

  send(bytes: Buffer): void {
    if (this.#fin === "none") this.#unread.push(bytes);
    this.#read();
  }
  sendFin(): void {
    if (this.#fin === "none") this.#fin = "sent";
    this.#read();
  }
  take(): void {
    this.stalled = false;
    for (const [, written] of this.#unflushed.splice(0)) written();
    this.#settle();
  }

  #read(): void {
    while (!this.#paused && !this.destroyed && this.#unread.length > 0)
      this.#sink?.bytes(this.#unread.shift() as Buffer);
    if (this.#paused || this.destroyed || this.#fin !== "sent" || this.#unread.length > 0) return;
    this.#tellEnd();
    this.#settle();
  }
  #tellEnd(): void {
    if (this.#fin === "seen") return;
    this.#fin = "seen";
    this.#sink?.ended();
  }
  #settle(): void {
    if (this.#end === "asked" && this.#unflushed.length === 0) {
      this.#end = "flushed";
      process.nextTick(() => this.emit("finish"));
    }
    if (this.#end === "flushed" && this.#fin === "seen") this.destroy();
  }
}

function bench(delayed: boolean) {
  const clock = new FakeClock();
  const budget = new BufferBudget({ limit: 1_000_000, clock });
  const [client, backend] = [new ScriptedSocket(), new ScriptedSocket()];
  const told: string[] = [];
  const turns: (() => void)[] = [];
  const plan = planOf((draft) => {
    draft.slowConsumer = { maxBuffered: 200_000, timeout: 8000 };
    const bucket = new TokenBucket({ limit: 1, interval: 3000, burst: 3 }, clock.now());
    for (const direction of [draft.fromClient, draft.fromBackend]) direction.messages.push(limit(bucket, "Delay"));
  });
  const early = Buffer.alloc(0);
  const counts = { fromClient: { messages: 0, bytes: 0 }, fromBackend: { messages: 0, bytes: 0 } };
  const running = tunnel({
    ...{ client: { socket: client.socket, early }, backend: { socket: backend.socket, early }, plan, clock, budget },
    reads: { name: "data", open: (socket) => socket as unknown as ScriptedSocket },
    ...{ loop: new LoopShare(clock), deflate: false, counts, random: () => 0 },
    stopping: () => false,
    turns: (task) => void (delayed ? turns.push(task) : task()),
    over: () => void told.push("over"),
    closed: () => void told.push("closed"),
    slowConsumer: () => {},
    timeline: { happened: () => {} },
    tap: undefined,
  });
  const inTurn = (): void => turns.splice(0).forEach((task) => task());
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 250) {
      clock.advance(250);
      inTurn();
      if (at % 2000 === 0) await turn();
    }
  };
  return { clock, budget, client, backend, running, told, inTurn, pass };
}

type Bench = ReturnType<typeof bench>;

const STEPS = {
  text: (it, peer) => peer.send(text("x", peer === it.client)),
  large: (it, peer) => peer.send(binary(Buffer.alloc(60_000), peer === it.client)),
  half: (it, peer) => peer.send(frame({ payload: "half", length: 100, mask: peer === it.client })),
  close: (it, peer) => peer.send(close(1000, "", peer === it.client)),
  fault: (it, peer) => peer.send(frame({ opcode: 3, mask: peer === it.client })),
  fin: (_, peer) => peer.sendFin(),
  reset: (_, peer) => peer.destroy(),
  stall: (_, peer) => void (peer.stalled = true),
  take: (_, peer) => peer.take(),
  terminate: ({ running }) => running.close({ reason: "Draining" }),
  destroy: ({ running }) => running.destroy(),
  second: ({ pass }) => pass(1000),
  shortOfMemory: async ({ budget }) => {
    const others = { kept: 0, stalled: 0, look() {}, shed: () => 0 };
    budget.change(others, 950_000);
    await turn();
    budget.change(others, 0);
  },
  turns: ({ inTurn }) => inTurn(),
} satisfies Record<string, (it: Bench, peer: ScriptedSocket) => void | Promise<void>>;

test("whatever the peers do: the slot is freed once, the session closes once and in time, and nothing is left", async () => {
  const step = fc.tuple(
    fc.constantFrom(...(Object.keys(STEPS) as (keyof typeof STEPS)[])),
    fc.constantFrom("client", "backend"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 14 }), fc.boolean(), async (script, delayed) => {
      const it = bench(delayed);
      for (const [what, peer] of script) {
        await STEPS[what](it, it[peer]);
        await turn();
      }
      it.running.close({ reason: "Draining" });
      await it.pass(10_000);
      expect(it.told).toEqual(["over", "closed"]);
      expect([it.clock.pending, it.budget.used, it.running.buffered]).toEqual([0, 0, 0]);
    }),
    { numRuns: 200 },
  );
});

test.each<[string, (it: Bench) => void]>([
  ["both Close frames", ({ client, backend }) => (client.send(close(1000, "", true)), backend.send(close(1000)))],
  ["the loss of the backend", ({ backend }) => backend.sendFin()],
])("after %s a client that has taken its bytes gives up its slot, before the sockets close", async (_what, end) => {
  const it = bench(false);
  await turn();
  end(it);
  expect(it.told).toEqual(["over"]);
  expect(it.client.closed).toBe(false);
  it.running.destroy();
  await turn();
  expect(it.told).toEqual(["over", "closed"]);
});

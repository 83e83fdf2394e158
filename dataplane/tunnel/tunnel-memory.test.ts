import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, closeOf, frame, parse, text } from "../../test/fakes/frames.ts";
import { until, type Peer } from "../../test/fakes/sockets.ts";
import { joinedOver, limit, READ_PATHS, unlimited, type Joined } from "../../test/fakes/tunnel.ts";
import { systemClock } from "../../runtime/clock.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { BufferBudget } from "../process/buffer-budget.ts";

const closing = (peer: Peer) => closeOf(parse(peer.received).frames.at(-1) as never);
const SIZE = 60_000;

/** One end reads nothing of what the other sends, until so many bytes wait for it. */
async function fill(it: Joined, slow: "client" | "backend", bytes: number): Promise<void> {
  const [receiver, sender] = slow === "client" ? [it.client, it.backend] : [it.backend, it.client];
  receiver.socket.pause();
  const chunk = frame({ opcode: 2, mask: slow === "backend", payload: Buffer.alloc(SIZE) });
  while (it.tunnel.buffered < bytes) {
    sender.send(chunk);
    await new Promise(setImmediate);
  }
}

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  describe.each(["client", "backend"] as const)("a %s that takes nothing while memory is short", (slow) => {
    const budgetOf = (): BufferBudget => new BufferBudget({ limit: 1_000_000, clock: systemClock });
    const plan = (draft: { slowConsumer: { maxBuffered: number; timeout: number } }): void => {
      draft.slowConsumer = { maxBuffered: 64_000_000, timeout: 30_000 };
    };

    test("is cut off, its memory is free at once, and the other end is told why", async () => {
      const budget = budgetOf();
      const it = await joined({ budget, plan });
      const other = slow === "client" ? it.backend : it.client;
      await fill(it, slow, 700_000);
      // Its sender was paused long before; now others need the room.
      const rest = { kept: 0, stalled: 0, look() {}, shed: () => 0 };
      budget.change(rest, 500_000);
      await until("it ended", () => budget.ended > 0);
      expect(budget.used).toBe(500_000);
      await until("the other is told", () => other.told);
      expect(closing(other)).toEqual({ code: 1008, reason: "SlowConsumer" });
      expect([it.slow, it.over]).toEqual([1, 1]);
      other.socket.end();
      await until("the end", () => it.ends.length === 1);
      expect(it.ends[0]).toMatchObject({ code: 1008, by: "gateway", termination: { reason: "SlowConsumer" } });
      expect(it.tunnel.buffered).toBe(0);
    });

    test("and is waited for only because the other end has left, is no longer waited for", async () => {
      const budget = budgetOf();
      const it = await joined({ budget, plan });
      const other = slow === "client" ? it.backend : it.client;
      await fill(it, slow, 500_000);
      other.socket.end();
      // This end must still take what has come from it.
      await until("the gateway has that too", () => other.ended);
      expect(it.ends).toEqual([]);
      budget.change({ kept: 0, stalled: 0, look() {}, shed: () => 0 }, 600_000);
      await until("the end", () => it.ends.length === 1);
      expect(budget.used).toBe(600_000);
      expect(it.slow).toBe(0);
      expect(it.ends[0]).toMatchObject(
        slow === "client" ? { code: 1013, by: "backend" } : { code: 1006, by: "client" },
      );
    });
  });

  test("a session of which both peers take nothing counts once", async () => {
    const budget = new BufferBudget({ limit: 2_000_000, clock: systemClock });
    const slowConsumer = { maxBuffered: 64_000_000, timeout: 30_000 };
    const it = await joined({ budget, plan: (draft) => void (draft.slowConsumer = slowConsumer) });
    await fill(it, "client", 500_000);
    await fill(it, "backend", 1_000_000);
    budget.change({ kept: 0, stalled: 0, look() {}, shed: () => 0 }, 1_900_000);
    await until("the end", () => it.ends.length === 1);
    expect([budget.used, budget.ended, it.slow]).toEqual([1_900_000, 1, 1]);
    expect(it.ends[0]).toMatchObject({ code: 1008, by: "gateway", termination: { reason: "SlowConsumer" } });
  });

  test("a sender is paused early while the budget is tight, and loses nothing", async () => {
    const budget = new BufferBudget({ limit: 4_000_000, clock: systemClock });
    budget.change({ kept: 0, stalled: 0, look() {}, shed: () => 0 }, 3_100_000);
    const it = await joined({ budget });
    it.client.socket.pause();
    const chunk = frame({ opcode: 2, payload: Buffer.alloc(SIZE, 5) });
    let sent = 0;
    while (!it.tunnel.paused) {
      it.backend.send(chunk);
      sent += 1;
      await new Promise(setImmediate);
    }
    expect(it.tunnel.buffered).toBeLessThan(4 * SIZE);
    it.client.socket.resume();
    await until("all of it", () => it.client.received.length === sent * chunk.length);
    await until("going on", () => !it.tunnel.paused);
    expect(budget.used).toBe(3_100_000);
    it.tunnel.destroy();
  });

  test("messages that wait for a limit count, until they go on", async () => {
    const clock = new FakeClock();
    const budget = unlimited();
    const rate = limit(new TokenBucket({ limit: 1, interval: 1000, burst: 1 }, clock.now()), "Delay");
    const it = await joined({ clock, budget, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(text("1", true), text("x".repeat(5000), true));
    await until("the second waits", () => budget.used > 5000);
    const ahead = reads.name === "data" ? it.client.socket.readableHighWaterMark : 0;
    expect(budget.used).toBeLessThan(5100 + ahead);
    clock.advance(1000);
    await until("it went on", () => parse(it.backend.received).frames.length === 2);
    await until("nothing waits", () => budget.used === 0);
    it.client.send(text("y".repeat(5000), true));
    await until("it waits", () => budget.used > 5000);
    it.tunnel.destroy();
    await until("the end", () => it.ends.length === 1);
    expect(budget.used).toBe(0);
  });

  test("a session whose messages wait for a limit ends with that limit's reason where the memory is needed", async () => {
    const budget = new BufferBudget({ limit: 1_000_000, clock: systemClock });
    const rate = limit(new TokenBucket({ limit: 1, interval: 60_000, burst: 1 }, systemClock.now()), "Delay");
    const it = await joined({ budget, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(text("1", true), text("x".repeat(50_000), true));
    await until("the second waits", () => budget.used > 50_000);
    budget.change({ kept: 0, stalled: 0, look() {}, shed: () => 0 }, 880_000);
    await until("both are told", () => it.client.told && it.backend.told);
    for (const peer of [it.client, it.backend]) expect(closing(peer)).toEqual({ code: 1008, reason: "MessageRate" });
    expect([budget.used, budget.ended, it.slow]).toEqual([880_000, 1, 0]);
    it.tunnel.destroy();
  });

  test.each<[string, (it: Joined) => void]>([
    ["taken", ({ client }) => client.socket.resume()],
    ["given up by a client that leaves", ({ client }) => client.socket.destroy()],
    ["given up by the gateway", ({ tunnel }) => tunnel.destroy()],
    [
      "ended by the gateway and taken",
      ({ tunnel, client }) => (tunnel.close({ reason: "Denied" }), client.socket.resume()),
    ],
    ["ended by the backend and taken", ({ client, backend }) => (backend.send(close(1000)), client.socket.resume())],
  ])("what waited and was %s counts no more", async (_what, finish) => {
    const budget = unlimited();
    const it = await joined({ budget });
    await fill(it, "client", 300_000);
    expect(budget.used).toBeGreaterThan(300_000);
    finish(it);
    await until("nothing waits", () => budget.used === 0);
    for (const { socket } of [it.client, it.backend]) socket.destroy();
    await until("the end", () => it.ends.length === 1);
    expect(budget.used).toBe(0);
  });
});

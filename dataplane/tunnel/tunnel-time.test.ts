import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { closeOf, frame, parse, text } from "../../test/fakes/frames.ts";
import { until, type Peer } from "../../test/fakes/sockets.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { joinedOver, limit, planOf, READ_PATHS, type Joined } from "../../test/fakes/tunnel.ts";

const closing = (peer: Peer) => closeOf(parse(peer.received).frames.at(-1) as never);
const pings = (peer: Peer) => parse(peer.received).frames.filter(({ opcode }) => opcode === 9);
/** The end that the tunnel tells, once both sockets are closed: with the policy that the log names. */
const endOf = async (it: Joined) => {
  it.tunnel.destroy();
  await until("both sockets are closed", () => it.ends.length > 0);
  return it.ends;
};
const byPolicy = (reason: string, policy: string) => [{ code: 3008, by: "gateway", termination: { reason, policy } }];
const keepalive = { interval: 30_000, timeout: 10_000, strict: false };
const strict = { ...keepalive, strict: true };

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test("a session without messages ends with IdleTimeout; a message of either peer starts the time anew", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.idle = 1000) });
    clock.advance(900);
    it.client.send(text("x", true));
    await until("arrived", () => it.backend.received.length > 0);
    clock.advance(900);
    it.backend.send(text("y"));
    await until("arrived", () => it.client.received.length > 0);
    clock.advance(999);
    expect(it.client.told).toBe(false);
    clock.advance(1);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "IdleTimeout" });
    expect(await endOf(it)).toEqual(byPolicy("IdleTimeout", "timeouts"));
  });

  test("pings are no messages: an idle session ends in spite of them", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.idle = 1000) });
    clock.advance(900);
    it.client.send(frame({ opcode: 9, mask: true, payload: "x" }));
    await until("arrived", () => it.backend.received.length > 0);
    clock.advance(100);
    await until("told", () => it.client.told && it.backend.told);
    for (const peer of [it.client, it.backend]) expect(closing(peer)).toEqual({ code: 3008, reason: "IdleTimeout" });
    expect(await endOf(it)).toEqual(byPolicy("IdleTimeout", "timeouts"));
  });

  test("a lifetime is shortened by a share that stays when the plan changes", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, random: () => 0.5, plan: (draft) => (draft.lifetime = 1000) });
    clock.advance(500);
    it.tunnel.apply(planOf((draft) => (draft.lifetime = 2000)));
    clock.advance(1399);
    expect(it.client.told).toBe(false);
    clock.advance(1);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "LifetimeEnded" });
    expect(await endOf(it)).toEqual(byPolicy("LifetimeEnded", "timeouts"));
  });

  test("pings go to the client, and their pongs go no further", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    clock.advance(30_000);
    await until("a ping", () => pings(it.client).length === 1);
    const [ping] = pings(it.client);
    it.client.send(
      frame({ opcode: 10, mask: true, payload: ping?.payload ?? "" }),
      frame({ opcode: 10, mask: true, payload: "other" }),
    );
    await until("the other pong", () => it.backend.received.length > 0);
    expect(parse(it.backend.received).frames.map(({ payload }) => String(payload))).toEqual(["other"]);
    clock.advance(30_000);
    await until("the next ping", () => pings(it.client).length === 2);
    it.tunnel.destroy();
  });

  test("an unanswered ping ends the session with KeepaliveTimeout", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    clock.advance(39_999);
    await until("a ping", () => pings(it.client).length === 1);
    expect(it.client.told).toBe(false);
    clock.advance(1);
    await until("told", () => it.client.told && it.backend.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "KeepaliveTimeout" });
    expect(await endOf(it)).toEqual(byPolicy("KeepaliveTimeout", "keepalive"));
  });

  test("a client that only sends is pinged on and on, and ends when it sends nothing after a ping", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    const parts = [frame({ mask: true, payload: "x", length: 1000 }), Buffer.from("y"), Buffer.from("z")];
    for (const [turn, part] of parts.entries()) {
      clock.advance(turn === 0 ? 30_000 : 20_000);
      await until("a ping", () => pings(it.client).length === turn + 1);
      const before = it.backend.received.length;
      it.client.send(part);
      await until("it arrived", () => it.backend.received.length > before);
      clock.advance(10_000);
      expect(it.client.told).toBe(false);
    }
    clock.advance(30_000);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "KeepaliveTimeout" });
    expect(await endOf(it)).toEqual(byPolicy("KeepaliveTimeout", "keepalive"));
  });

  test("bytes from before the ping are no sign of life", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    it.client.send(text("early", true));
    await until("it arrived", () => it.backend.received.length > 0);
    clock.advance(40_000);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "KeepaliveTimeout" });
    it.tunnel.destroy();
  });

  test("where `strict` changes, the ping that is on its way is judged by the new value", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    clock.advance(30_000);
    await until("a ping", () => pings(it.client).length === 1);
    it.client.send(text("a message", true));
    await until("it arrived", () => it.backend.received.length > 0);
    it.tunnel.apply(planOf((draft) => (draft.keepalive = strict)));
    clock.advance(10_000);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "KeepaliveTimeout" });
    it.tunnel.destroy();
  });

  test.each([keepalive, strict])("a client that we did not read has its time from when we read on: %o", async (how) => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 1, interval: 45_000, burst: 1 }, clock.now()), "Delay");
    const it = await joined({
      clock,
      plan: (draft) => {
        draft.keepalive = how;
        draft.fromClient.messages.push(rate);
      },
    });
    it.client.send(text("1", true), text("2", true));
    await until("the second waits", () => it.tunnel.paused);
    clock.advance(30_000);
    await until("a ping", () => pings(it.client).length === 1);
    clock.advance(10_000); // paused still
    clock.advance(9000); // read again since 4 s
    clock.advance(1000);
    expect(it.client.told).toBe(false);
    clock.advance(9999);
    expect(it.client.told).toBe(false);
    clock.advance(1);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "KeepaliveTimeout" });
    it.tunnel.destroy();
  });

  test("a client that a slow backend pauses has its time from when we read on", async () => {
    const clock = new FakeClock();
    const it = await joined({
      clock,
      plan: (draft) => {
        draft.keepalive = keepalive;
        draft.slowConsumer = { maxBuffered: 100_000, timeout: 3_600_000 };
      },
    });
    it.backend.socket.pause();
    const chunk = frame({ opcode: 2, mask: true, payload: Buffer.alloc(60_000) });
    while (!it.tunnel.paused) {
      it.client.send(chunk);
      await new Promise(setImmediate);
    }
    for (let step = 0; step < 9; step += 1) clock.advance(10_000);
    await until("the one ping", () => pings(it.client).length === 1);
    expect(it.client.told).toBe(false);
    it.backend.socket.resume();
    await until("the client is read to its end", () => !it.tunnel.paused && it.client.socket.writableLength === 0);
    await until("all has arrived", () => it.tunnel.buffered === 0);
    clock.advance(9999);
    expect(it.client.told).toBe(false);
    clock.advance(1); // what was read meanwhile was a sign of life
    expect(it.client.told).toBe(false);
    it.tunnel.destroy();
  });

  test("strict: a client in the middle of a large frame has more time for its pong as long as bytes come", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = strict) });
    it.client.send(frame({ mask: true, payload: "x", length: 1000 }));
    await until("the start", () => it.backend.received.length > 0);
    clock.advance(30_000);
    await until("a ping", () => pings(it.client).length === 1);
    const before = it.backend.received.length;
    it.client.send(Buffer.from("more"));
    await until("more", () => it.backend.received.length > before);
    clock.advance(10_000);
    expect(it.client.told).toBe(false);
    clock.advance(10_000);
    await until("told", () => it.client.told);
    expect(closing(it.client)).toEqual({ code: 3008, reason: "KeepaliveTimeout" });
    expect(await endOf(it)).toEqual(byPolicy("KeepaliveTimeout", "keepalive"));
  });

  test("a ping waits for the end of the frame that is on its way to the client", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    const whole = text("0123456789");
    it.backend.send(whole.subarray(0, 4));
    await until("a part", () => it.client.received.length === 4);
    clock.advance(30_000);
    it.backend.send(whole.subarray(4), text("next"));
    await until("all", () => parse(it.client.received).frames.length === 3);
    expect(parse(it.client.received).frames.map(({ opcode }) => opcode)).toEqual([1, 9, 1]);
    it.tunnel.destroy();
  });

  test("a receiver that takes nothing pauses the sender, and ends with SlowConsumer when its time is over", async () => {
    const clock = new FakeClock();
    const it = await joined({ clock, plan: (draft) => (draft.slowConsumer = { maxBuffered: 100_000, timeout: 8000 }) });
    it.client.socket.pause();
    const chunk = frame({ opcode: 2, payload: Buffer.alloc(60_000) });
    let sent = 0;
    while (!it.tunnel.paused && sent < 2000) {
      it.backend.send(chunk);
      sent += 1;
      await new Promise(setImmediate);
    }
    expect(it.tunnel.paused).toBe(true);
    expect(it.tunnel.buffered).toBeLessThan(300_000);
    for (let step = 0; step < 9; step += 1) clock.advance(1000);
    await until("the backend is told", () => it.backend.told);
    expect(closing(it.backend)).toEqual({ code: 1008, reason: "SlowConsumer" });
    clock.advance(2000);
    await until("the end", () => it.ends.length === 1);
    expect(it.ends).toEqual([
      { code: 1008, by: "gateway", termination: { reason: "SlowConsumer", policy: "slowConsumer" } },
    ]);
    expect(it.slow).toBe(1);
    expect(clock.pending).toBe(0);
  });

  test("a slow receiver that goes on reading gets every byte", async () => {
    const it = await joined({ plan: (draft) => (draft.slowConsumer = { maxBuffered: 100_000, timeout: 30_000 }) });
    it.client.socket.pause();
    const chunk = frame({ opcode: 2, payload: Buffer.alloc(60_000, 5) });
    let sent = 0;
    while (!it.tunnel.paused) {
      it.backend.send(chunk);
      sent += 1;
      await new Promise(setImmediate);
    }
    it.client.socket.resume();
    await until("everything", () => it.client.received.length === sent * chunk.length);
    expect(parse(it.client.received).frames).toHaveLength(sent);
    await until("going on", () => !it.tunnel.paused);
    it.tunnel.destroy();
  });
});

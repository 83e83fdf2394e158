import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, frame, parse, text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { joinedOver, limit, READ_PATHS, type Joined } from "../../test/fakes/tunnel.ts";
import { TokenBucket } from "../limits/token-bucket.ts";

// A Close frame leaves the peer's socket open until the peer has answered (RFC 6455 §7.1.1).

const SIDES = ["client", "backend"] as const;
type Side = (typeof SIDES)[number];
const other = (side: Side): Side => (side === "client" ? "backend" : "client");
const masked = (side: Side): boolean => side === "client";
const turns = async (): Promise<void> => {
  for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
};

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  /** The gateway has ended the session, and both peers have its Close frame. */
  async function told(it: Joined): Promise<Joined> {
    it.tunnel.close({ reason: "Denied" });
    await until("both are told", () => it.client.told && it.backend.told);
    await turns();
    return it;
  }

  async function stillOpen(it: Joined, side: Side): Promise<void> {
    await turns();
    expect(it[side].ended).toBe(false);
  }

  test.each(SIDES)("our FIN comes when the %s has answered our Close, and not to the other peer", async (side) => {
    const it = await told(await joined({ clock: new FakeClock() }));
    expect([it.client.ended, it.backend.ended]).toEqual([false, false]);
    it[side].send(text("on its way", masked(side)), close(3003, "Denied", masked(side)));
    await until("FIN", () => it[side].ended);
    await stillOpen(it, other(side));
    it[other(side)].send(close(3003, "", masked(other(side))));
    await until("FIN", () => it[other(side)].ended);
    for (const peer of [it.client, it.backend]) peer.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(parse(it.backend.received).frames).toHaveLength(1);
    expect(parse(it.client.received).frames).toHaveLength(1);
  });

  test.each(SIDES)("our FIN comes when the %s has sent its FIN in place of an answer", async (side) => {
    const it = await told(await joined({ clock: new FakeClock() }));
    it[side].socket.end();
    await until("FIN", () => it[side].ended);
    await stillOpen(it, other(side));
    it.tunnel.destroy();
  });

  test.each(SIDES)("F16 a %s that never answers our Close is cut off after two seconds", async (side) => {
    const clock = new FakeClock();
    const it = await told(await joined({ clock }));
    it[other(side)].send(close(3003, "", masked(other(side))));
    await until("FIN", () => it[other(side)].ended);
    clock.advance(1999);
    await stillOpen(it, side);
    clock.advance(1);
    await until("the end", () => it.ends.length === 1);
    expect(clock.pending).toBe(0);
  });

  test.each(SIDES)("F17 an answer of the %s is seen behind megabytes that were on their way", async (side) => {
    const it = await told(await joined({ clock: new FakeClock() }));
    const message = frame({ opcode: 2, mask: masked(side), payload: Buffer.alloc(1_000_000) });
    for (let n = 0; n < 10; n += 1) it[side].send(message);
    it[side].send(close(3003, "", masked(side)));
    await until("FIN", () => it[side].ended);
    expect(it.tunnel.buffered).toBe(0);
    it.tunnel.destroy();
  });

  test("F18 an answer is seen that comes byte by byte, behind the rest of a frame and a broken one", async () => {
    const it = await joined({ clock: new FakeClock() });
    const first = text("0123456789", true);
    it.client.send(first.subarray(0, 9));
    await until("a part", () => it.backend.received.length > 0);
    await turns();
    it.client.send(first.subarray(9), frame({ opcode: 3, mask: true, payload: Buffer.alloc(300) }));
    await until("the backend is told", () => it.backend.told);
    it.backend.send(close(1002, ""));
    await until("the client is told", () => it.client.told);
    for (const byte of Buffer.concat([frame({ opcode: 9, mask: true, payload: "x" }), close(1002, "", true)])) {
      await stillOpen(it, "client");
      it.client.send(Buffer.from([byte]));
    }
    await until("FIN", () => it.client.ended);
    it.tunnel.destroy();
  });

  test("an answer is seen among bytes that a limit held back", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 1, interval: 60_000, burst: 1 }, clock.now()), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(text("1", true), text("2", true), close(4000, "its own", true));
    await until("two wait", () => it.tunnel.paused);
    it.tunnel.close({ reason: "Denied" });
    await until("FIN", () => it.client.ended);
    expect(it.client.told).toBe(true);
    expect(parse(it.client.received).frames.map(({ opcode }) => opcode)).toEqual([8]);
    await stillOpen(it, "backend");
    it.tunnel.destroy();
  });

  test("after the loss of the backend our FIN comes when the client has answered", async () => {
    const it = await joined({ clock: new FakeClock() });
    it.backend.send(text("last"));
    it.backend.socket.end();
    await until("the client is told", () => it.client.told);
    await stillOpen(it, "client");
    expect(it.over).toBe(1);
    it.client.send(text("on its way", true), close(1013, "", true));
    await until("FIN", () => it.client.ended);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
  });

  test("a backend that closes its socket right behind its Close leaves the client time to answer", async () => {
    const it = await joined({ clock: new FakeClock() });
    it.backend.send(text("last"), close(4000, "done"));
    await until("the Close arrived", () => it.client.told);
    it.backend.socket.resetAndDestroy();
    await until("its slot is free", () => it.over === 1);
    await stillOpen(it, "client");
    it.client.send(text("on its way", true), close(4000, "done", true));
    await until("FIN", () => it.client.ended);
    it.client.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends).toEqual([{ code: 4000, by: "backend", termination: undefined }]);
  });

  test("a client that closes its socket right behind its Close leaves the backend time to answer", async () => {
    const it = await joined({ clock: new FakeClock() });
    it.client.send(text("last", true), close(4000, "done", true));
    await until("the Close arrived", () => it.backend.told);
    it.client.socket.resetAndDestroy();
    await until("its slot is free", () => it.over === 1);
    await stillOpen(it, "backend");
    it.backend.send(text("on its way"), close(4000, "done"));
    await until("FIN", () => it.backend.ended);
    it.backend.socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends).toEqual([{ code: 4000, by: "client", termination: undefined }]);
  });

  test("a client that exceeds a limit before it answers the backend's Close still has time to answer", async () => {
    const it = await joined({ clock: new FakeClock(), plan: (draft) => (draft.fromClient.maxMessage = 10) });
    it.backend.send(close(4000, "done"));
    await until("the Close arrived", () => it.client.told);
    it.client.send(text("more than ten bytes", true));
    await until("the backend's end", () => it.backend.ended);
    await stillOpen(it, "client");
    it.client.send(close(4000, "done", true));
    await until("FIN", () => it.client.ended);
    it.tunnel.destroy();
  });
});

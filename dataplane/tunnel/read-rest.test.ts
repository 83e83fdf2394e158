import { once } from "node:events";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, closeOf, parse, text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { joinedOver, limit, READ_PATHS, type Joined } from "../../test/fakes/tunnel.ts";
import { TokenBucket } from "../limits/token-bucket.ts";

const DIRECTIONS = [
  { side: "client", other: "backend", from: "fromClient", to: "fromBackend", masked: true },
  { side: "backend", other: "client", from: "fromBackend", to: "fromClient", masked: false },
] as const;
type Direction = (typeof DIRECTIONS)[number];

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  /** A peer has sent its Close frame and has reset the connection; our next write fails before we read that frame. */
  async function reset({ side, other, from, to, masked }: Direction, clock: FakeClock, wait: number): Promise<Joined> {
    const rate = limit(new TokenBucket({ limit: 1, interval: wait, burst: 1 }, clock.now()), "Delay");
    const it = await joined({ clock, plan: (draft) => draft[from].messages.push(rate) });
    it[side].send(text("1", masked), text("2", masked));
    await until("the second waits", () => it.tunnel.paused);
    it[side].send(close(4001, "own", masked));
    it[side].socket.resetAndDestroy();
    await once(it[side].socket, "close");
    it[other].send(text("fails", !masked));
    await until("the write failed", () => it.counts[to].messages === 1);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    return it;
  }

  test.each(DIRECTIONS)("the Close frame of a $side that reset its connection arrives", async (direction) => {
    const { side, other, masked } = direction;
    const clock = new FakeClock();
    const it = await reset(direction, clock, 1000);
    clock.advance(1000);
    await until("told", () => it[other].told);
    const last = parse(it[other].received).frames.at(-1);
    expect(closeOf(last as never)).toEqual({ code: 4001, reason: "own" });
    it[other].send(close(4001, "own", !masked));
    it[other].socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends).toEqual([{ code: 4001, by: side, termination: undefined }]);
    expect([it.over, clock.pending]).toEqual([1, 0]);
  });

  test.each(DIRECTIONS)("a $side that reset its connection is waited for two seconds", async (direction) => {
    const { side, other } = direction;
    const clock = new FakeClock();
    const it = await reset(direction, clock, 5000);
    clock.advance(2000);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    clock.advance(3000); // the second has been read before
    await until("the end", () => it[other].told);
    expect(
      parse(it[other].received)
        .frames.map(({ payload }) => payload.toString())
        .slice(0, 2),
    ).toEqual(["1", "2"]);
    it[other].socket.end();
    await until("the end", () => it.ends.length === 1);
    expect(it.ends[0]).toMatchObject({ code: side === "client" ? 1006 : 1013, by: side });
  });
});

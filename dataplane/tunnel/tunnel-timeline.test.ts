import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { binary, close, frame, parse, text } from "../../test/fakes/frames.ts";
import { until, type Peer } from "../../test/fakes/sockets.ts";
import { joinedOver, limit, READ_PATHS } from "../../test/fakes/tunnel.ts";
import { TokenBucket } from "../limits/token-bucket.ts";

const arrived = async (peer: Peer, count: number) => {
  await until(`${count} frames`, () => parse(peer.received).frames.length >= count);
  return parse(peer.received).frames;
};

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test("a limit that pauses a source is told, with its direction, and when the source goes on", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 1, interval: 1000, burst: 1 }, clock.now()), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(text("one", true), text("two", true));
    await until("paused", () => it.moments.length === 1);
    clock.advance(1000);
    await arrived(it.backend, 2);
    expect(it.moments).toEqual([
      ["paused", "fromClient", undefined],
      ["resumed", "fromClient", undefined],
    ]);
    it.tunnel.destroy();
  });

  test("a receiver that takes nothing pauses its source", async () => {
    const it = await joined({ plan: (draft) => (draft.slowConsumer = { maxBuffered: 65_536, timeout: 30_000 }) });
    it.client.socket.pause();
    const large = binary(Buffer.alloc(1_000_000));
    it.backend.send(...Array.from({ length: 20 }, () => large));
    await until("paused", () => it.moments.length > 0);
    it.client.socket.resume();
    await until("all", () => it.client.received.length === 20 * large.length);
    await until("resumed", () => it.moments.at(-1)?.[0] === "resumed");
    expect(it.moments.slice(0, 2).map(([what, direction]) => [what, direction])).toEqual([
      ["paused", "fromBackend"],
      ["resumed", "fromBackend"],
    ]);
    it.tunnel.destroy();
  });

  test("the gateway's pings and the client's answers are told; other pongs are not", async () => {
    const clock = new FakeClock();
    const keepalive = { interval: 1000, timeout: 500, strict: false };
    const it = await joined({ clock, plan: (draft) => (draft.keepalive = keepalive) });
    clock.advance(1000);
    const [ping] = await arrived(it.client, 1);
    expect(it.moments).toEqual([["ping"]]);
    it.client.send(frame({ opcode: 10, payload: "another", mask: true }));
    it.client.send(frame({ opcode: 10, payload: ping?.payload ?? "", mask: true }));
    await until("pong", () => it.moments.length === 2);
    expect(it.moments).toEqual([["ping"], ["pong"]]);
    it.tunnel.destroy();
  });

  test("a client's Close frame is told with its code, and the backend's answer", async () => {
    const it = await joined();
    it.client.send(close(4001, "bye", true));
    await until("the backend is told", () => it.backend.told);
    it.backend.send(close());
    await until("both", () => it.moments.length === 2);
    expect(it.moments).toEqual([
      ["closeReceived", "fromClient", 4001],
      ["closeReceived", "fromBackend", 1005],
    ]);
    it.tunnel.destroy();
  });

  test("the gateway's own Close frames are told in the direction in which they go, and then the answers", async () => {
    const it = await joined();
    it.tunnel.close({ reason: "Draining" });
    await until("told", () => it.client.told && it.backend.told);
    it.client.send(close(1012, "", true));
    it.backend.send(close(1012));
    await until("answered", () => it.moments.length === 4);
    expect(it.moments.slice(0, 2)).toEqual([
      ["closeSent", "fromClient", 1012],
      ["closeSent", "fromBackend", 1012],
    ]);
    expect(new Set(it.moments.slice(2).map((moment) => moment.join(" ")))).toEqual(
      new Set(["closeReceived fromBackend 1012", "closeReceived fromClient 1012"]),
    );
    it.tunnel.destroy();
  });

  test("of a Close frame whose code may not stand on the wire none is told", async () => {
    const it = await joined();
    it.tunnel.close({ reason: "Draining" });
    await until("told", () => it.client.told && it.backend.told);
    it.client.send(close(1005, "", true));
    await until("answered", () => it.moments.length === 3);
    expect(it.moments[2]).toEqual(["closeReceived", "fromClient", undefined]);
    it.tunnel.destroy();
  });
});

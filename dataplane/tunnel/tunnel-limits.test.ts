import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { closeOf, frame, parse, text } from "../../test/fakes/frames.ts";
import { until, type Peer } from "../../test/fakes/sockets.ts";
import { joinedOver, limit, planOf, READ_PATHS } from "../../test/fakes/tunnel.ts";
import { TokenBucket } from "../limits/token-bucket.ts";

const closing = (peer: Peer) => closeOf(parse(peer.received).frames.at(-1) as never);
const payloads = (peer: Peer) => parse(peer.received).frames.map(({ payload }) => String(payload));
/** Both far ends hang up; how the tunnel says that the session ended. */
const endOf = async (it: { readonly client: Peer; readonly backend: Peer; readonly ends: readonly unknown[] }) => {
  for (const { socket } of [it.client, it.backend]) socket.end();
  await until("the end", () => it.ends.length > 0);
  return it.ends;
};
const shape = { limit: 3, interval: 1000, burst: 3 };
const up = (...words: string[]) => words.map((word) => text(word, true));

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);

  test("the third message passes, the fourth closes both peers with 1008 and when to try again", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket(shape, clock.now()), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2"));
    await until("two", () => payloads(it.backend).length === 2);
    it.client.send(...up("3"));
    await until("three", () => payloads(it.backend).length === 3);
    expect(rate.hits).toBe(0);
    it.client.send(...up("4"));
    await until("told", () => it.client.told && it.backend.told);
    expect(payloads(it.backend).slice(0, 3)).toEqual(["1", "2", "3"]);
    for (const peer of [it.client, it.backend])
      expect(closing(peer)).toEqual({ code: 1008, reason: "MessageRate; retry-after=1" });
    expect(rate.hits).toBe(1);
    expect(await endOf(it)).toEqual([
      { code: 1008, by: "gateway", termination: { reason: "MessageRate", retryAfter: 1, policy: "messages" } },
    ]);
  });

  test("tokens come back evenly: one message passes after a third of the interval, the next ends the session", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket(shape, clock.now()), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2", "3"));
    await until("three", () => payloads(it.backend).length === 3);
    clock.advance(334);
    it.client.send(...up("4"));
    await until("four", () => payloads(it.backend).length === 4);
    it.client.send(...up("5"));
    await until("told", () => it.client.told && it.backend.told);
    expect(payloads(it.backend).slice(0, -1)).toEqual(["1", "2", "3", "4"]);
    for (const peer of [it.client, it.backend])
      expect(closing(peer)).toEqual({ code: 1008, reason: "MessageRate; retry-after=1" });
    expect(await endOf(it)).toEqual([
      { code: 1008, by: "gateway", termination: { reason: "MessageRate", retryAfter: 1, policy: "messages" } },
    ]);
  });

  test("Drop that comes over a session with deflate takes no compressed message out: the next may refer to it", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ ...shape, limit: 1, burst: 1 }, clock.now()), "Drop");
    const it = await joined({ clock, deflate: true });
    it.tunnel.apply(planOf((draft) => draft.fromClient.messages.push(rate)));
    const compressed = (payload: string) => frame({ rsv: 4, mask: true, payload });
    it.client.send(...up("1"), compressed("2"));
    await until("one, and the next waits", () => payloads(it.backend).length === 1 && it.tunnel.paused);
    clock.advance(1000);
    await until("two", () => payloads(it.backend).length === 2);
    it.client.send(...up("3"), compressed("4"));
    await until("it waits again", () => it.tunnel.paused);
    clock.advance(1000);
    await until("the compressed one", () => payloads(it.backend).length === 3);
    expect(payloads(it.backend)).toEqual(["1", "2", "4"]);
    expect(rate.hits).toBe(3);
    it.tunnel.destroy();
  });

  test("Drop removes whole messages with all their fragments, and leaves control frames in between", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ ...shape, limit: 1, burst: 1 }, clock.now()), "Drop");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    const mask = true;
    it.client.send(
      ...up("kept"),
      frame({ fin: false, mask, payload: "dropped" }),
      frame({ opcode: 9, mask, payload: "ping" }),
      frame({ opcode: 0, fin: false, mask, payload: "" }),
      frame({ opcode: 0, mask, payload: "x".repeat(70_000) }),
    );
    await until("the ping", () => payloads(it.backend).length === 2);
    clock.advance(1000);
    it.client.send(...up("again"));
    await until("again", () => payloads(it.backend).length === 3);
    expect(payloads(it.backend)).toEqual(["kept", "ping", "again"]);
    expect(rate.hits).toBe(1);
    expect(it.counts.fromClient).toEqual({ messages: 2, bytes: 9 });
    it.tunnel.destroy();
  });

  test("Delay reads no further until the tokens are there, and then goes on in order", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 2, interval: 1000, burst: 2 }, clock.now()), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2", "3", "4", "5"));
    await until("two", () => payloads(it.backend).length === 2 && it.tunnel.paused);
    expect(rate.hits).toBe(1);
    clock.advance(500);
    await until("three", () => payloads(it.backend).length === 3 && it.tunnel.paused);
    clock.advance(1000);
    await until("all", () => payloads(it.backend).length === 5);
    expect(payloads(it.backend)).toEqual(["1", "2", "3", "4", "5"]);
    it.tunnel.destroy();
  });

  test("a client that hangs up behind a delayed message: the backend gets the message first, and no Close", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 1, interval: 1000, burst: 1 }, clock.now()), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2"));
    await until("one", () => payloads(it.backend).length === 1 && it.tunnel.paused);
    it.client.socket.end();
    expect(it.backend.told).toBe(false);
    clock.advance(1000);
    await until("the end", () => it.backend.told);
    expect(payloads(it.backend)).toEqual(["1", "2"]);
    expect(await endOf(it)).toEqual([{ code: 1006, by: "client", termination: undefined }]);
  });

  test("in Shadow the limit only counts", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket(shape, clock.now()), "Close", true);
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(rate) });
    it.client.send(...up("1", "2", "3", "4", "5"));
    await until("all", () => payloads(it.backend).length === 5);
    expect(rate.hits).toBe(2);
    it.tunnel.destroy();
  });

  test("a message is refused by any of its limits and then takes a token of none", async () => {
    const clock = new FakeClock();
    const wide = new TokenBucket({ limit: 10, interval: 1000, burst: 10 }, clock.now());
    const narrow = limit(new TokenBucket({ limit: 1, interval: 1000, burst: 1 }, clock.now()), "Drop");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.messages.push(limit(wide, "Close"), narrow) });
    it.client.send(...up("1", "2", "3"), frame({ opcode: 9, mask: true, payload: "ping" }));
    await until("the ping", () => payloads(it.backend).length === 2);
    expect(wide.available(clock.now())).toBe(9);
    it.tunnel.destroy();
  });

  test.each([9, 10])("%d of 10 bytes pass", async (size) => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 10, interval: 1000, burst: 10 }, clock.now()), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.bytes.push(rate) });
    it.client.send(...up("x".repeat(size)));
    await until("passed", () => payloads(it.backend).length === 1);
    expect(it.ends).toEqual([]);
    it.tunnel.destroy();
  });

  test("one byte more closes both peers with ByteRate before anything of the frame is forwarded", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 10, interval: 1000, burst: 10 }, clock.now()), "Close");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.bytes.push(rate) });
    it.client.send(...up("x".repeat(11)));
    await until("told", () => it.client.told && it.backend.told);
    expect(parse(it.backend.received).frames).toHaveLength(1);
    for (const peer of [it.client, it.backend])
      expect(closing(peer)).toEqual({ code: 1008, reason: "ByteRate; retry-after=1" });
    expect(rate.hits).toBe(1);
    expect(await endOf(it)).toEqual([
      { code: 1008, by: "gateway", termination: { reason: "ByteRate", retryAfter: 1, policy: "bytes" } },
    ]);
  });

  test("bytes that are delayed are all delivered, after the debt is paid", async () => {
    const clock = new FakeClock();
    const rate = limit(new TokenBucket({ limit: 10, interval: 1000, burst: 10 }, clock.now()), "Delay");
    const it = await joined({ clock, plan: (draft) => draft.fromClient.bytes.push(rate) });
    it.client.send(...up("x".repeat(30)));
    await until("the first", () => payloads(it.backend).length === 1 && it.tunnel.paused);
    it.client.send(...up("next"));
    clock.advance(1900);
    expect(it.tunnel.paused).toBe(true);
    clock.advance(100);
    await until("the next", () => payloads(it.backend).length === 2);
    expect(rate.hits).toBe(1);
    it.tunnel.destroy();
  });

  test.each<[string, Buffer[], boolean]>([
    ["99 bytes", [text("x".repeat(99), true)], true],
    ["100 bytes", [text("x".repeat(100), true)], true],
    ["101 bytes", [text("x".repeat(101), true)], false],
    [
      "100 bytes in two frames",
      [
        frame({ fin: false, mask: true, payload: "x".repeat(60) }),
        frame({ opcode: 0, mask: true, payload: "x".repeat(40) }),
      ],
      true,
    ],
    [
      "101 bytes in two frames",
      [
        frame({ fin: false, mask: true, payload: "x".repeat(60) }),
        frame({ opcode: 0, mask: true, payload: "x".repeat(41) }),
      ],
      false,
    ],
    [
      "2^63-1 bytes, of which none comes",
      [Buffer.from([0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255, 1, 2, 3, 4])],
      false,
    ],
  ])("with a largest message of 100 bytes, %s pass: $2", async (_what, bytes, passes) => {
    const it = await joined({ plan: (draft) => (draft.fromClient.maxMessage = 100) });
    it.client.send(...bytes, frame({ opcode: 9, mask: true, payload: "end" }));
    await until("an answer", () => it.client.told || payloads(it.backend).at(-1) === "end");
    expect(it.client.told).toBe(!passes);
    if (!passes) expect(closing(it.client)).toEqual({ code: 1009, reason: "MessageTooBig" });
    it.tunnel.destroy();
  });

  test("a message of more frames than allowed ends with 1008, empty ones counted too", async () => {
    const it = await joined({ plan: (draft) => (draft.fromBackend.maxFragments = 3) });
    const next = frame({ opcode: 0, fin: false });
    it.backend.send(frame({ fin: false }), next, next);
    await until("three", () => parse(it.client.received).frames.length === 3);
    expect(it.client.told).toBe(false);
    it.backend.send(next);
    await until("told", () => it.client.told && it.backend.told);
    for (const peer of [it.client, it.backend])
      expect(closing(peer)).toEqual({ code: 1008, reason: "TooManyFragments" });
    it.tunnel.destroy();
  });

  test("a changed plan holds for the live session", async () => {
    const it = await joined();
    it.client.send(...up("x".repeat(50)));
    await until("one", () => payloads(it.backend).length === 1);
    it.tunnel.apply(planOf((draft) => (draft.fromClient.maxMessage = 10)));
    it.client.send(...up("x".repeat(50)));
    await until("told", () => it.client.told && it.backend.told);
    for (const peer of [it.client, it.backend]) expect(closing(peer)).toEqual({ code: 1009, reason: "MessageTooBig" });
    expect(await endOf(it)).toEqual([
      { code: 1009, by: "gateway", termination: { reason: "MessageTooBig", policy: "messageSize" } },
    ]);
  });
});

import type { Socket } from "node:net";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, frame, parse, text } from "../../test/fakes/frames.ts";
import { until } from "../../test/fakes/sockets.ts";
import { joinedOver, limit, planOf, READ_PATHS, unlimited, type JoinOptions } from "../../test/fakes/tunnel.ts";
import { LoopShare } from "../../runtime/loop/loop-share.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { Flow } from "../tunnel/flow.ts";
import type { SessionTap } from "../tunnel/frame-tap.ts";
import { DirectionTap, type FrameSeen } from "./direction-tap.ts";

/** A tap whose output is a list. */
function tapping(payload = 0): { tap: SessionTap; events: FrameSeen[]; brief: () => string[] } {
  const events: FrameSeen[] = [];
  const output = {
    payload,
    takes: () => true,
    time: () => 1,
    frame: (event: FrameSeen) => void events.push(event),
  };
  const tap = {
    fromClient: new DirectionTap("s1", "fromClient", output),
    fromBackend: new DirectionTap("s1", "fromBackend", output),
  };
  const brief = (): string[] =>
    events.map(({ direction, opcode, size, verdict, reason, payload: shown }) =>
      [direction, opcode, size, verdict, reason, shown].filter((it) => it !== undefined).join(" "),
    );
  return { tap, events, brief };
}

const bucket = (clock: FakeClock, burst: number) => new TokenBucket({ limit: 1, interval: 1000, burst }, clock.now());

describe.each(READ_PATHS)("read through $name", (reads) => {
  const joined = joinedOver(reads);
  const traced = async (options: JoinOptions = {}, payload = 0) => {
    const seen = tapping(payload);
    return { ...seen, ...(await joined({ ...options, tap: seen.tap })) };
  };

  test("each frame is told of with its header, in both directions", async () => {
    const it = await traced({ deflate: true });
    it.client.send(
      frame({ fin: false, payload: "one", mask: true }),
      frame({ opcode: 9, payload: "ping", mask: true }),
      frame({ opcode: 0, payload: "two", mask: true }),
    );
    await until("three", () => it.events.length === 3);
    it.backend.send(frame({ opcode: 2, rsv: 4, payload: "x".repeat(70_000) }));
    await until("four", () => it.events.length === 4);
    const from = { at: 1, session: "s1", verdict: "forwarded" };
    expect(it.events).toEqual([
      { ...from, direction: "fromClient", opcode: 1, fin: false, size: 3 },
      { ...from, direction: "fromClient", opcode: 9, fin: true, size: 4 },
      { ...from, direction: "fromClient", opcode: 0, fin: true, size: 3 },
      { ...from, direction: "fromBackend", opcode: 2, fin: true, compressed: true, size: 70_000 },
    ]);
    it.tunnel.destroy();
  });

  test("a message over its limit is told of as dropped, and the one that ends the session as stopped", async () => {
    const clock = new FakeClock();
    const it = await traced({
      clock,
      plan: (draft) => {
        draft.fromClient.messages.push(limit(bucket(clock, 1), "Drop"));
        draft.fromClient.maxMessage = 5;
      },
    });
    it.client.send(text("one", true), text("two", true), text("too long", true));
    await until("told", () => it.client.told);
    expect(it.brief()).toEqual([
      "fromClient 1 3 forwarded",
      "fromClient 1 3 dropped",
      "fromClient 1 8 stopped MessageTooBig",
    ]);
    it.tunnel.destroy();
  });

  test("a frame that waits is told of once as held, and once when it goes on", async () => {
    const clock = new FakeClock();
    const it = await traced({
      clock,
      plan: (draft) => draft.fromClient.messages.push(limit(bucket(clock, 1), "Delay")),
    });
    it.client.send(text("one", true), text("two", true), text("three", true));
    await until("held", () => it.events.length === 2);
    clock.advance(1000);
    clock.advance(1000);
    await until("all", () => parse(it.backend.received).frames.length === 3);
    expect(it.brief()).toEqual([
      "fromClient 1 3 forwarded",
      "fromClient 1 3 held",
      "fromClient 1 3 forwarded",
      "fromClient 1 5 held",
      "fromClient 1 5 forwarded",
    ]);
    it.tunnel.destroy();
  });

  test("a frame that breaks the protocol is told of, however long it says to be", async () => {
    const it = await traced({}, 1024);
    const head = Buffer.from([0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4]);
    it.client.send(head);
    await until("told", () => it.client.told);
    expect(it.events).toMatchObject([{ size: Number.MAX_SAFE_INTEGER, verdict: "stopped", reason: "ProtocolError" }]);
    it.tunnel.destroy();
  });

  test("a session that a limit ends within a frame has that frame as stopped", async () => {
    const clock = new FakeClock();
    const plan: JoinOptions["plan"] = (draft) => draft.fromBackend.bytes.push(limit(bucket(clock, 1000), "Close"));
    for (const payload of [0, 8]) {
      const it = await traced({ clock, plan }, payload);
      it.backend.send(frame({ opcode: 1, payload: "a ".repeat(300_000) }));
      await until("told", () => it.client.told);
      const last = it.events.at(-1);
      expect([last?.verdict, last?.reason]).toEqual(["stopped", "ByteRate"]);
      it.tunnel.destroy();
    }
  });

  test("Close frames are told of; one that the gateway's own replaces is dropped", async () => {
    const it = await traced();
    it.client.send(close(4000, "bye", true));
    await until("told", () => it.backend.told);
    it.backend.send(frame({ opcode: 3 }));
    expect(it.brief()).toEqual(["fromClient 8 5 forwarded"]);
    it.tunnel.destroy();
    const other = await traced();
    other.client.send(frame({ opcode: 3, mask: true }));
    await until("the backend is told", () => other.backend.told);
    other.backend.send(close(1000));
    await until("both", () => other.events.length === 2);
    expect(other.brief()).toEqual(["fromClient 3 0 stopped ProtocolError", "fromBackend 8 2 dropped"]);
    other.tunnel.destroy();
  });

  test("a trace may begin and end within a session", async () => {
    const it = await joined();
    const { tap, brief } = tapping();
    const arrive = async (word: string) => {
      it.client.send(text(word, true));
      await until(word, () => parse(it.backend.received).frames.some(({ payload }) => String(payload) === word));
    };
    await arrive("a");
    it.tunnel.trace(tap);
    await arrive("bb");
    it.tunnel.trace(undefined);
    await arrive("ccc");
    expect(brief()).toEqual(["fromClient 1 2 forwarded"]);
    it.tunnel.destroy();
  });

  test("payload is unmasked, cut and without credentials; none of fragments and of compressed messages", async () => {
    const it = await traced({ deflate: true }, 12);
    it.client.send(
      text('{"key":"abc"}', true),
      text("hello big wide world", true),
      frame({ rsv: 4, payload: "token", mask: true }),
      frame({ fin: false, payload: "one two", mask: true }),
      frame({ opcode: 0, payload: "three", mask: true }),
      frame({ opcode: 2, payload: Buffer.from([1, 2, 3]), mask: true }),
      frame({ opcode: 9, payload: "ping", mask: true }),
    );
    await until("seven", () => it.events.length === 7);
    expect(it.events.map(({ payload, binary }) => [payload, binary])).toEqual([
      ['{"key":"***"', undefined],
      ["hello big wi", undefined],
      [undefined, undefined],
      ["one ***", undefined],
      [undefined, undefined],
      ["AQID", true],
      [Buffer.from("ping").toString("base64"), true],
    ]);
    it.tunnel.destroy();
  });

  test("a payload that has not come is told of when the session ends", async () => {
    const it = await traced({}, 100);
    it.client.send(text("there it is", true).subarray(0, 13));
    await until("a part", () => it.backend.received.length > 0);
    expect(it.events).toEqual([]);
    it.tunnel.destroy();
    await until("the end", () => it.events.length === 1);
    expect(it.events[0]?.payload).toBe("there ***");
  });
});

test("what is told does not depend on how the bytes are cut", () => {
  const messages = [
    text("first message", true),
    frame({ fin: false, payload: '{"token":"abc","n":1}', mask: true }),
    frame({ opcode: 9, payload: "ping", mask: true }),
    frame({ opcode: 0, payload: "x".repeat(300), mask: true }),
    frame({ opcode: 2, payload: Buffer.alloc(200, 7), mask: true }),
    close(1000, "bye", true),
  ];
  const bytes = Buffer.concat(messages);
  const told = (cuts: readonly number[]): FrameSeen[] => {
    const { tap, events } = tapping(40);
    const flow = flowBetweenFakes();
    flow.trace(tap.fromClient);
    const at = [0, ...new Set(cuts.toSorted((a, b) => a - b)), bytes.length];
    // Each read is written over by the next one, as in the buffer that all sockets share.
    for (let part = 1; part < at.length; part += 1) {
      const chunk = Buffer.from(bytes.subarray(at[part - 1], at[part]));
      flow.bytes(chunk);
      chunk.fill(0xff);
    }
    return events;
  };
  const whole = told([]);
  expect(whole.map(({ payload }) => payload?.slice(0, 24))).toEqual([
    "first message",
    '{"token":"***","n":1}',
    Buffer.from("ping").toString("base64"),
    undefined,
    Buffer.alloc(18, 7).toString("base64"),
    close(1000, "bye").subarray(2).toString("base64"),
  ]);
  const cut = fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 });
  fc.assert(
    fc.property(cut, (cuts) => {
      expect(told(cuts)).toEqual(whole);
    }),
  );
});

/** A flow of a client's that is fed by hand; its receiver takes everything. */
function flowBetweenFakes(): Flow {
  const clock = new FakeClock();
  const plan = planOf();
  const source = { socket: undefined as unknown as Socket, ahead: 0, to() {}, pause() {}, resume() {} };
  const receiver = { writable: true, writableLength: 0, write: () => true, end() {} } as unknown as Socket;
  const events = { violated() {}, shed() {}, closed() {}, answered() {}, taken() {}, ended() {}, happened() {} };
  return new Flow({
    ...{ source, receiver, masked: true, deflate: true, plan: plan.fromClient, slowConsumer: plan.slowConsumer },
    ...{ count: { messages: 0, bytes: 0 }, clock, budget: unlimited(clock), loop: new LoopShare(clock) },
    ...{ pongs: undefined, events },
  });
}

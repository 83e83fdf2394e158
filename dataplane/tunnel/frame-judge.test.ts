import { describe, expect, test } from "vitest";
import { close, frame, text, type FrameParts } from "../../test/fakes/frames.ts";
import { limit, planOf } from "../../test/fakes/tunnel.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import { framePolicies } from "../policies/index.ts";
import { FrameJudge, type JudgeOptions, type Verdict } from "./frame-judge.ts";
import { CONTINUATION, PING, PONG, TEXT } from "./frames.ts";
import type { PlanDraft } from "./plan.ts";

type Draft = PlanDraft["fromClient"];

const bucket = (tokens: number): TokenBucket => new TokenBucket({ limit: 1, interval: 1000, burst: tokens }, 0);

/** A judge of a server's direction, and what it says of whole frames at time 0. */
function judging(change: (draft: Draft) => void = () => {}, more: Partial<JudgeOptions> = {}) {
  const plan = planOf((draft) => change(draft.fromBackend)).fromBackend;
  const count = { messages: 0, bytes: 0 };
  const judge = new FrameJudge({ masked: false, deflate: false, plan, count, pongs: undefined, ...more }, 0);
  /** As a flow asks: at the header, then for the payload. */
  const ask = (bytes: Buffer, now = 0): Verdict | "payload cut" => {
    judge.header.read(bytes, 0, bytes.length);
    const { size, length, control } = judge.header;
    const verdict = judge.judge(bytes, 0, now, bytes.length - size);
    if (control || (verdict !== "forward" && verdict !== "skip") || length === 0) return verdict;
    const there = bytes.length - size;
    if (judge.payload(there, now) < there) return "payload cut";
    if (judge.remaining === 0) judge.frameDone();
    return verdict;
  };
  return { judge, count, ask };
}

const first = (payload: string): Buffer => frame({ opcode: TEXT, fin: false, payload });
const middle = (payload: string): Buffer => frame({ opcode: CONTINUATION, fin: false, payload });
const last = (payload: string): Buffer => frame({ opcode: CONTINUATION, payload });

describe("the order of enforcement", () => {
  /** What makes a message of ten bytes break each policy. */
  const broken = {
    messageSize: (draft) => void (draft.maxMessage = 9),
    messages: (draft) => void draft.messages.push(limit(bucket(0), "Close")),
    bytes: (draft) => void draft.bytes.push(limit(bucket(9), "Close")),
  } satisfies { readonly [K in keyof typeof framePolicies]: (draft: Draft) => void };
  const kinds = Object.keys(framePolicies) as (keyof typeof framePolicies)[];

  test.each(kinds.map((kind, at) => [kind, kinds.slice(at)] as const))(
    "is the chain's: %s decides about a frame that breaks %j",
    (kind, behind) => {
      const { judge, ask, count } = judging((draft) => behind.forEach((it) => broken[it](draft)));
      expect(ask(text("ten bytes!"))).toBe("stop");
      expect(judge.violation).toMatchObject({ policy: kind });
      expect(count).toEqual({ messages: 0, bytes: 0 });
    },
  );

  test("has the rules of RFC 6455 before all policies", () => {
    const { judge, ask } = judging((draft) => kinds.forEach((it) => broken[it](draft)));
    expect(ask(last("ten bytes!"))).toBe("stop");
    expect(judge.violation).toEqual({ reason: "ProtocolError" });
  });

  test("costs no token of a limit that is not asked any more", () => {
    const [messages, bytes] = [limit(bucket(5), "Close"), limit(bucket(50), "Close")];
    const { ask } = judging((draft) => {
      broken.messageSize(draft);
      draft.messages.push(messages);
      draft.bytes.push(bytes);
    });
    ask(text("ten bytes!"));
    expect([messages.bucket.available(0), bytes.bucket.available(0)]).toEqual([5, 50]);
  });
});

describe("sizes", () => {
  test.each<[string, Partial<Draft>, Buffer[], string]>([
    ["one frame", { maxMessage: 3 }, [text("four")], "MessageTooBig"],
    ["fragments, summed", { maxMessage: 3 }, [first("ab"), middle("cd")], "MessageTooBig"],
    ["one fragment too many", { maxFragments: 2 }, [first("a"), middle("b"), last("c")], "TooManyFragments"],
  ])("%s over the limit stop the session at the header", (_, sizes, frames, reason) => {
    const { judge, ask } = judging((draft) => Object.assign(draft, sizes));
    const verdicts = frames.map((it) => ask(it));
    expect(verdicts.pop()).toBe("stop");
    expect(new Set(verdicts).has("stop")).toBe(false);
    expect(judge.violation).toEqual({ reason, policy: "messageSize" });
  });

  test("each message is summed anew", () => {
    const { ask } = judging((draft) => Object.assign(draft, { maxMessage: 4, maxFragments: 2 }));
    const message = [first("ab"), last("cd")];
    expect([...message, ...message, text("abcd")].map((it) => ask(it))).toEqual(Array(5).fill("forward"));
  });
});

describe("messages", () => {
  test("Close stops the session at the message's first frame", () => {
    const { judge, ask } = judging((draft) => draft.messages.push(limit(bucket(1), "Close")));
    expect([first("a"), last("b"), text("c")].map((it) => ask(it))).toEqual(["forward", "forward", "stop"]);
    expect(judge.violation).toEqual({ reason: "MessageRate", policy: "messages", retryAfter: 1 });
  });

  test("Drop skips the whole message, which costs no bytes and is not counted", () => {
    const bytes = limit(bucket(50), "Close");
    const { count, ask } = judging((draft) => {
      draft.messages.push(limit(bucket(1), "Drop"));
      draft.bytes.push(bytes);
    });
    const frames = [text("one"), first("two"), middle("two"), last("two")];
    expect(frames.map((it) => ask(it))).toEqual(["forward", "skip", "skip", "skip"]);
    expect(count).toEqual({ messages: 1, bytes: 3 });
    expect(bytes.bucket.available(0)).toBe(47);
    expect(ask(text("six"), 1000)).toBe("forward");
  });

  test("Delay holds the message until its token is back", () => {
    const { judge, count, ask } = judging((draft) => draft.messages.push(limit(bucket(1), "Delay")));
    expect([ask(text("a")), ask(text("b")), judge.limits.turn(0)]).toEqual(["forward", "hold", 1000]);
    expect([ask(text("b"), 999), ask(text("b"), 1000)]).toEqual(["hold", "forward"]);
    expect(count.messages).toBe(2);
  });

  test("in Shadow the message passes, and its hit is counted", () => {
    const shadow = limit(bucket(0), "Close", true);
    const { ask } = judging((draft) => draft.messages.push(shadow));
    expect(ask(text("a"))).toBe("forward");
    expect(shadow.hits).toBe(1);
  });
});

describe("bytes", () => {
  test("Close stops the session before a frame that has been read as a whole", () => {
    const { judge, count, ask } = judging((draft) => draft.bytes.push(limit(bucket(5), "Close")));
    expect([ask(text("four")), ask(text("four"))]).toEqual(["forward", "stop"]);
    expect(judge.violation).toEqual({ reason: "ByteRate", policy: "bytes", retryAfter: 1 });
    expect(count).toEqual({ messages: 1, bytes: 4 });
  });

  test("Close cuts a frame that comes in parts where its tokens end", () => {
    const { judge, count, ask } = judging((draft) => draft.bytes.push(limit(bucket(5), "Close")));
    expect(ask(text("0123456789").subarray(0, 6))).toBe("forward");
    expect([judge.remaining, judge.midFrame]).toEqual([6, true]);
    expect(judge.payload(6, 0)).toBe(1);
    expect(judge.violation).toMatchObject({ reason: "ByteRate" });
    expect(count.bytes).toBe(5);
  });

  test("Delay forwards the frame, and its debt is waited for", () => {
    const { judge, ask } = judging((draft) => draft.bytes.push(limit(bucket(5), "Delay")));
    expect(ask(text("sevenXX"))).toBe("forward");
    expect(judge.limits.byteWait(0)).toBe(2000);
  });

  test("in Shadow the frame passes, and its hit is counted", () => {
    const shadow = limit(bucket(5), "Close", true);
    const { ask } = judging((draft) => draft.bytes.push(shadow));
    expect(ask(text("sevenXX"))).toBe("forward");
    expect(shadow.hits).toBe(1);
  });
});

describe("frames", () => {
  test.each<[string, FrameParts]>([
    ["masked, from a server", { mask: true }],
    ["with a reserved bit", { rsv: 1 }],
    ["compressed, where that was not negotiated", { rsv: 4 }],
    ["of an unknown opcode", { opcode: 3 }],
    ["that continues nothing", { opcode: CONTINUATION }],
    ["of control that is a fragment", { opcode: PING, fin: false }],
    ["of control that is longer than 125 bytes", { opcode: PING, payload: "x".repeat(126) }],
    ["with a length that is not in its shortest form", { payload: "x", form: 16 }],
  ])("one %s breaks the protocol", (_, parts) => {
    const { judge, ask } = judging();
    expect(ask(frame(parts))).toBe("stop");
    expect(judge.violation).toEqual({ reason: "ProtocolError" });
  });

  test("a new message inside another breaks the protocol; a control frame there does not", () => {
    const { ask } = judging();
    const frames = [first("a"), frame({ opcode: PING }), middle("b"), text("c")];
    expect(frames.map((it) => ask(it))).toEqual(["forward", "forward", "forward", "stop"]);
  });

  test("compression stands on the first frame of a message only", () => {
    const { ask } = judging(undefined, { deflate: true });
    const start = frame({ opcode: TEXT, fin: false, rsv: 4, payload: "a" });
    expect([ask(start), ask(frame({ opcode: CONTINUATION, rsv: 4 }))]).toEqual(["forward", "stop"]);
  });

  test.each([
    ["without a code", close(), "close"],
    ["with a code", close(4000, "bye"), "close"],
    ["with a code that may not stand on the wire", close(1005), "stop"],
    ["with half a code", frame({ opcode: 8, payload: "x" }), "stop"],
  ])("a Close frame %s: %#", (_, bytes, verdict) => {
    expect(judging().ask(bytes)).toBe(verdict);
  });

  test("a pong that answers the gateway's own ping is skipped, any other is forwarded", () => {
    const pongs = { isAnswer: (bytes: Buffer) => bytes.includes("ours") };
    const { ask } = judging(undefined, { pongs });
    const [ours, theirs] = ["ours", "theirs"].map((payload) => frame({ opcode: PONG, payload }));
    expect([ask(ours as Buffer), ask(theirs as Buffer)]).toEqual(["skip", "forward"]);
  });

  test("500 control frames pass at once, one more stops the session, and 100 more pass a second later", () => {
    const { judge, ask } = judging();
    const passed = (now: number): number => {
      let count = 0;
      while (ask(frame({ opcode: PING }), now) === "forward") count += 1;
      return count;
    };
    expect([passed(0), passed(1000)]).toEqual([500, 100]);
    expect(judge.violation).toEqual({ reason: "PingFlood", retryAfter: 1 });
  });

  test("a changed plan holds from the next frame on", () => {
    const { judge, ask } = judging();
    expect(ask(first("abc"))).toBe("forward");
    judge.apply(planOf((draft) => (draft.fromBackend.maxMessage = 4)).fromBackend);
    expect(ask(middle("de"))).toBe("stop");
  });
});

import type { Socket } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { close, frame, parse } from "../../test/fakes/frames.ts";
import { limit, planOf, unlimited } from "../../test/fakes/tunnel.ts";
import type { ByteSource } from "./byte-source.ts";
import { Flow } from "./flow.ts";
import { LoopShare } from "../../runtime/loop/loop-share.ts";
import { TokenBucket } from "../limits/token-bucket.ts";

const OURS = close(4999, "the gateway's own", true);

/** A flow between a source that is fed by hand and a receiver that takes everything. */
class Bench {
  readonly flow: Flow;
  readonly out: Buffer[] = [];
  verdict = "none";
  answered = false;
  count = { messages: 0, bytes: 0 };
  receiverEnded = false;

  constructor(onExceed?: "Close" | "Drop") {
    const clock = new FakeClock();
    const plan = planOf((draft) => {
      draft.fromClient.maxMessage = 300;
      draft.fromClient.maxFragments = 3;
      const bucket = new TokenBucket({ limit: 1, interval: 1000, burst: 4 }, clock.now());
      if (onExceed !== undefined) draft.fromClient.messages.push(limit(bucket, onExceed));
    });
    const source: ByteSource = {
      socket: undefined as unknown as Socket,
      ahead: 0,
      to() {},
      pause() {},
      resume() {},
    };
    const receiver = {
      writable: true,
      writableLength: 0,
      write: (bytes: Buffer) => this.out.push(Buffer.from(bytes)),
      end: () => {
        receiver.writable = false;
        this.receiverEnded = true;
      },
    };
    this.flow = new Flow({
      source,
      receiver: receiver as unknown as Socket,
      masked: true,
      deflate: true,
      plan: plan.fromClient,
      slowConsumer: plan.slowConsumer,
      count: this.count,
      clock,
      budget: unlimited(),
      loop: new LoopShare(clock),
      pongs: { isAnswer: (pong) => pong.length % 7 === 0 },
      events: {
        violated: (flow, termination) => {
          this.verdict = termination.reason;
          flow.finish(OURS, false);
        },
        shed: () => {},
        closed: (_flow, code) => (this.verdict = `closed ${code}`),
        answered: () => (this.answered = true),
        taken: () => {},
        ended: () => {},
        happened: () => {},
      },
    });
  }

  feed(...chunks: Buffer[]): this {
    for (const chunk of chunks) this.flow.bytes(Buffer.from(chunk));
    return this;
  }

  get result(): object {
    return {
      out: Buffer.concat(this.out),
      verdict: this.verdict,
      count: this.count,
      receiverEnded: this.receiverEnded,
    };
  }
}

const mask = true;
const payload = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));

/** Frames as a client sends them, some of them out of order, too long, or no frames at all. */
const pieces = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: payload(200).map((data) => frame({ opcode: 1, mask, payload: data })) },
    { weight: 2, arbitrary: payload(200).map((data) => frame({ opcode: 2, fin: false, mask, payload: data })) },
    { weight: 2, arbitrary: payload(80).map((data) => frame({ opcode: 0, fin: false, mask, payload: data })) },
    { weight: 2, arbitrary: payload(80).map((data) => frame({ opcode: 0, mask, payload: data })) },
    { weight: 2, arbitrary: payload(125).map((data) => frame({ opcode: 9, mask, payload: data })) },
    { weight: 2, arbitrary: payload(125).map((data) => frame({ opcode: 10, mask, payload: data })) },
    { weight: 1, arbitrary: fc.constantFrom(1000, 4000, 1006).map((code) => close(code, "bye", mask)) },
    { weight: 1, arbitrary: payload(20) },
  ),
  { minLength: 1, maxLength: 12 },
);

/** The same bytes in chunks of these sizes, over and over. */
function cut(bytes: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const next = at + (sizes[chunks.length % sizes.length] ?? 1);
    chunks.push(bytes.subarray(at, next));
    at = next;
  }
  return chunks;
}

const sizes = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 20 });

test("a stream that is cut anywhere gives the same bytes, the same counts and the same verdict", () => {
  const limits = fc.constantFrom(undefined, "Close" as const, "Drop" as const);
  fc.assert(
    fc.property(pieces, sizes, limits, (list, cuts, onExceed) => {
      const bytes = Buffer.concat(list);
      const whole = new Bench(onExceed).feed(bytes).result;
      expect(new Bench(onExceed).feed(...cut(bytes, cuts)).result).toEqual(whole);
      expect(new Bench(onExceed).feed(...cut(bytes, [1])).result).toEqual(whole);
    }),
    { numRuns: 400 },
  );
});

test("before our Close the receiver gets whole frames of the source and nothing else", () => {
  fc.assert(
    fc.property(pieces, sizes, fc.nat(), (list, cuts, moment) => {
      const pongs = list.filter((bytes) => bytes[0] !== 0x8a); // a pong that is kept back is no prefix
      const bytes = Buffer.concat(pongs);
      const chunks = cut(bytes, cuts);
      const bench = new Bench();
      const when = moment % (chunks.length + 1);
      for (const [at, chunk] of chunks.entries()) {
        if (at === when) bench.flow.finish(OURS, true);
        bench.feed(chunk);
      }
      const out = Buffer.concat(bench.out);
      const told = out.length >= OURS.length && out.subarray(-OURS.length).equals(OURS);
      const forwarded = told ? out.subarray(0, -OURS.length) : out;
      expect(bytes.subarray(0, forwarded.length).equals(forwarded)).toBe(true);
      if (told) expect(parse(forwarded).rest).toHaveLength(0);
      if (told) expect(bench.receiverEnded).toBe(false);
    }),
    { numRuns: 400 },
  );
});

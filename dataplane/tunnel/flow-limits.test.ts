import { expect, test } from "vitest";
import { limit } from "../../test/fakes/tunnel.ts";
import { FlowLimits } from "./flow-limits.ts";
import { TokenBucket } from "../limits/token-bucket.ts";
import type { DirectionPlan, FlowLimit } from "./plan.ts";

const bucket = (burst: number): TokenBucket => new TokenBucket({ limit: burst, interval: 1000, burst }, 0);
const plan = (part: Partial<DirectionPlan>): DirectionPlan => ({
  ...{ messages: [], bytes: [], maxMessage: Infinity, maxFragments: Infinity },
  ...part,
});
const verdicts = (limits: FlowLimits, count: number): string[] =>
  Array.from({ length: count }, () => limits.takeMessage(0));

test.each([
  ["Close", ["pass", "pass", "close"], 1],
  ["Drop", ["pass", "pass", "drop", "drop"], 2],
  ["Delay", ["pass", "pass", "delay", "delay"], 1],
] as const)("%s of two messages: %j; a message that waits counts once", (onExceed, wanted, hits) => {
  const rate = limit(bucket(2), onExceed);
  expect(verdicts(new FlowLimits(plan({ messages: [rate] })), wanted.length)).toEqual(wanted);
  expect(rate.hits).toBe(hits);
});

test("the next message that must wait counts anew", () => {
  const rate = limit(bucket(1), "Delay");
  const limits = new FlowLimits(plan({ messages: [rate] }));
  expect([limits.takeMessage(0), limits.takeMessage(0), limits.takeMessage(1000), limits.takeMessage(1000)]).toEqual([
    ...["pass", "delay", "pass", "delay"],
  ]);
  expect(rate.hits).toBe(2);
});

test("of several limits the first that is exceeded decides, and none loses a token to it", () => {
  const [wide, narrow] = [limit(bucket(5), "Close"), limit(bucket(1), "Drop")];
  const limits = new FlowLimits(plan({ messages: [wide, narrow] }));
  expect(verdicts(limits, 4)).toEqual(["pass", "drop", "drop", "drop"]);
  expect(wide.bucket.available(0)).toBe(4);
});

test.each(["messages", "bytes"] as const)("a Shadow limit on %s counts beside one that holds", (kind) => {
  const [shadow, held] = [limit(bucket(1), "Close", true), limit(bucket(3), "Close")];
  const limits = new FlowLimits(plan({ [kind]: [shadow, held] }));
  const take = (): unknown => (kind === "messages" ? limits.takeMessage(0) : limits.takeBytes(1, 0));
  const passes = kind === "messages" ? "pass" : 1;
  expect([take(), take(), take()]).toEqual([passes, passes, passes]);
  expect([shadow.hits, held.hits]).toEqual([2, 0]);
});

test.each([
  [9, 9, 0],
  [10, 10, 0],
  [11, 10, 1],
])("of %d bytes under a limit of 10 that closes, %d may go on", (bytes, allowed, hits) => {
  const rate = limit(bucket(10), "Close");
  const limits = new FlowLimits(plan({ bytes: [rate] }));
  expect(limits.takeBytes(bytes, 0)).toBe(allowed);
  expect(rate.hits).toBe(hits);
});

test("bytes that are delayed all go on at once, and their debt is waited for", () => {
  const rate = limit(bucket(10), "Delay");
  const limits = new FlowLimits(plan({ bytes: [rate] }));
  expect(limits.takeBytes(25, 0)).toBe(25);
  expect([limits.byteWait(0), limits.byteWait(500), limits.byteWait(1500)]).toEqual([1500, 1000, 0]);
  expect(rate.hits).toBe(1);
});

test("of two byte limits the narrower decides, and both lose as many tokens", () => {
  const [wide, narrow] = [limit(bucket(10), "Close"), limit(bucket(4), "Close")];
  const limits: { readonly bytes: FlowLimit[] } = { bytes: [wide, narrow] };
  expect(new FlowLimits(plan(limits)).takeBytes(6, 0)).toBe(4);
  expect([wide.bucket.available(0), narrow.bucket.available(0)]).toEqual([6, 0]);
});

test("retry-after is in whole seconds, at least one", () => {
  const slow = new TokenBucket({ limit: 1, interval: 90_500, burst: 1 }, 0);
  const limits = new FlowLimits(plan({ messages: [limit(slow, "Close")], bytes: [limit(bucket(1), "Close")] }));
  verdicts(limits, 2);
  expect(limits.messageRate(0)).toEqual({ reason: "MessageRate", policy: "messages", retryAfter: 91 });
  limits.takeBytes(2, 0);
  expect(limits.byteRate(0)).toEqual({ reason: "ByteRate", policy: "bytes", retryAfter: 1 });
});

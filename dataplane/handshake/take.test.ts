import { expect, test } from "vitest";
import type { Loan, SharedBucket, SharedLimits, TakeAnswer, TakeLines } from "../limits/shared-limits.ts";
import { Unavailable } from "../limits/store/link.ts";
import type { TokenLine } from "../policy.ts";
import { take } from "./take.ts";

const shape = { limit: 1, interval: 1000, burst: 1 };
const now = (): number => 1000;

/** Tokens that this process has, and tokens that the store grants to one question each. */
class FakePocket {
  tokens: number;
  granted: number[];
  asked = 0;
  isAlone = false;

  constructor(tokens: number, ...granted: number[]) {
    this.tokens = tokens;
    this.granted = granted;
  }

  take(n: number): boolean {
    if (this.tokens < n) return false;
    this.tokens -= n;
    return true;
  }

  lend(): Loan | undefined {
    if (this.isAlone || !this.take(1)) return undefined;
    return { end: (used) => void (this.tokens += used ? 0 : 1) };
  }

  unknown(): boolean {
    return this.granted.length > 0;
  }

  ask(_n: number, _now: number, answered: () => void): void {
    this.asked += 1;
    setImmediate(() => {
      this.tokens += this.granted.shift() ?? 0;
      answered();
      this.tokens = 0;
    });
  }

  wait(): number {
    return 700;
  }

  alone(): boolean {
    return this.isAlone;
  }
}

const line = (name: string, pocket?: FakePocket): TokenLine => {
  return { name, shape, pocket: pocket as unknown as SharedBucket | undefined };
};

/** A store that gives this answer. */
function storeOf(answer: TakeAnswer | Error): { limits: SharedLimits; asked: TakeLines[] } {
  const asked: TakeLines[] = [];
  const places = {
    async take(lines: TakeLines) {
      asked.push(lines);
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return { limits: { available: true, whenUnavailable: "PerPod", places, pockets: undefined } as never, asked };
}

const IN: TakeAnswer = { kind: "in", exceeded: [] };
const place = { key: "client\nalice", limit: 5 };

test("a token that was borrowed is no line of the question, and the lines of the answer are those of the policies", async () => {
  const buckets = [line("client"), line("route", new FakePocket(1)), line("proxy", new FakePocket(0))];
  for (const [said, meant] of [
    [0, 0],
    [1, 2],
    [2, 3],
  ] as const) {
    const { limits, asked } = storeOf({ kind: "refused", line: said, wait: 9 });
    buckets[1] = line("route", new FakePocket(1));
    const answer = await take({ buckets, places: [place], shadow: false, now }, limits);
    expect(asked[0]?.buckets.map(({ name }) => name)).toEqual(["client", "proxy"]);
    expect(answer).toEqual({ kind: "refused", line: meant, wait: 9 });
    const shadow = storeOf({ kind: "in", exceeded: [said] });
    buckets[1] = line("route", new FakePocket(1));
    expect(await take({ buckets, places: [place], shadow: true, now }, shadow.limits)).toEqual({
      ...{ kind: "in", exceeded: [meant] },
    });
  }
});

test("a borrowed token comes back where the store refuses one of another bucket, and not where all places are taken", async () => {
  const cases: [TakeAnswer | Error, number][] = [
    [{ kind: "refused", line: 0, wait: 9 }, 1],
    [{ kind: "refused", line: 1, wait: 0 }, 0],
    [IN, 0],
    [new Unavailable("late"), 0],
  ];
  for (const [answer, left] of cases) {
    const pocket = new FakePocket(1);
    const { limits } = storeOf(answer);
    const buckets = [line("route", pocket), line("client")];
    const asking = take({ buckets, places: [place], shadow: false, now }, limits);
    expect(pocket.tokens).toBe(0);
    await asking;
    expect(pocket.tokens).toBe(left);
  }
  const pocket = new FakePocket(1);
  const { limits } = storeOf(new TypeError("broken"));
  const asking = take({ buckets: [line("route", pocket), line("client")], places: [], shadow: false, now }, limits);
  await expect(asking).rejects.toThrow("broken");
  expect(pocket.tokens).toBe(0);
});

test("one bucket that is borrowed from is asked only when it is empty, until the store has said no", async () => {
  const cases: [FakePocket, number, TakeAnswer][] = [
    [new FakePocket(2), 0, IN],
    [new FakePocket(0, 1), 1, IN],
    [new FakePocket(0, 0, 1), 2, IN],
    [new FakePocket(0, 0), 1, { kind: "refused", line: 0, wait: 700 }],
    [new FakePocket(0), 0, { kind: "refused", line: 0, wait: 700 }],
  ];
  for (const [pocket, questions, wanted] of cases) {
    const { limits, asked } = storeOf(IN);
    expect(await take({ buckets: [line("route", pocket)], places: [], shadow: false, now }, limits)).toEqual(wanted);
    expect([pocket.asked, asked]).toEqual([questions, []]);
  }
  const { limits } = storeOf(IN);
  const empty = { buckets: [line("route", new FakePocket(0))], places: [], shadow: true, now };
  expect(await take(empty, limits)).toEqual({ kind: "in", exceeded: [0] });
});

test("a bucket that the store has failed is not told from a store that does not answer", async () => {
  const { limits } = storeOf(IN);
  const pocket = new FakePocket(1);
  pocket.isAlone = true;
  expect(await take({ buckets: [line("route", pocket)], places: [], shadow: false, now }, limits)).toBeUndefined();
  expect(pocket.tokens).toBe(1);
});

test("nothing to ask is no question; no answer is none; another fault is a fault", async () => {
  const none = storeOf(IN);
  expect(await take({ buckets: [], places: [], shadow: false, now }, none.limits)).toEqual(IN);
  expect(none.asked).toEqual([]);
  const question = { buckets: [], places: [place], shadow: false, now };
  expect(await take(question, storeOf(new Unavailable("late")).limits)).toBeUndefined();
  expect(await take(question, undefined)).toBeUndefined();
  await expect(take(question, storeOf(new TypeError("broken")).limits)).rejects.toThrow("broken");
});

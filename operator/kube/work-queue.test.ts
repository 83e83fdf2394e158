import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { ApiError } from "./api-error.ts";
import { WorkQueue } from "./work-queue.ts";

/** A pass that waits for the test to say how it ends. */
interface Pass {
  readonly key: string;
  readonly signal: AbortSignal;
  done(again?: number): void;
  fail(error?: unknown): void;
}

class Bench {
  readonly clock = new FakeClock();
  readonly passes: Pass[] = [];
  readonly failures: { readonly key: string; readonly error: unknown; readonly wait: number }[] = [];
  readonly queue: WorkQueue;
  readonly abort = new AbortController();
  running: Promise<void> | undefined;

  constructor(concurrency = 1, random: () => number = () => 0) {
    this.queue = new WorkQueue({
      clock: this.clock,
      random,
      concurrency,
      work: (key, signal) =>
        new Promise((resolve, reject) => this.passes.push({ key, signal, done: resolve, fail: reject })),
      failed: (key, error, wait) => void this.failures.push({ key, error, wait }),
    });
  }

  run(): this {
    this.running = this.queue.run(this.abort.signal);
    onTestFinished(() => this.abort.abort());
    return this;
  }

  get keys(): string {
    return this.passes.map(({ key }) => key).join("");
  }

  /** Ends the last pass. */
  async done(again?: number): Promise<void> {
    this.passes.at(-1)?.done(again);
    await settle();
  }

  async fail(error?: unknown): Promise<void> {
    this.passes.at(-1)?.fail(error);
    await settle();
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms);
    await settle();
  }
}

describe("keys", () => {
  test("get their passes in the order in which they came, each one, however often it was added", async () => {
    const its = new Bench();
    for (const key of "abacab") its.queue.add(key);
    expect(its.queue.depth).toBe(3);
    its.run();
    await its.done();
    await its.done();
    await its.done();
    expect(its.keys).toBe("abc");
    expect(its.queue.depth).toBe(0);
  });

  test("that are added during their own pass get one more pass, after it", async () => {
    const its = new Bench(4).run();
    its.queue.add("a");
    its.queue.add("a");
    its.queue.add("a");
    await settle();
    expect(its.keys).toBe("a");
    expect(its.queue.depth).toBe(1);
    await its.done();
    expect(its.keys).toBe("aa");
    await its.done();
    expect(its.keys).toBe("aa");
  });

  test("have no more passes at a time than `concurrency`", async () => {
    const its = new Bench(3).run();
    for (const key of "abcde") its.queue.add(key);
    expect(its.keys).toBe("abc");
    its.passes[1]?.done();
    await settle();
    expect(its.keys).toBe("abcd");
  });
});

describe("a key for later", () => {
  test("comes at the earliest of the times that were given", async () => {
    const its = new Bench().run();
    its.queue.addAfter("a", 3000);
    its.queue.addAfter("a", 1000);
    its.queue.addAfter("a", 2000);
    await its.advance(999);
    expect(its.keys).toBe("");
    await its.advance(1);
    expect(its.keys).toBe("a");
    await its.done();
    await its.advance(10_000);
    expect(its.keys).toBe("a");
  });

  test("does not come any more if it had a pass meanwhile", async () => {
    const its = new Bench().run();
    its.queue.addAfter("a", 1000);
    its.queue.add("a");
    await its.done();
    expect(its.clock.pending).toBe(0);
  });

  test("is added if its pass asks for another look", async () => {
    const its = new Bench().run();
    its.queue.add("a");
    await its.done(300);
    await its.advance(299);
    expect(its.keys).toBe("a");
    await its.advance(1);
    expect(its.keys).toBe("aa");
  });
});

describe("a pass that fails", () => {
  test("is repeated after waits that grow from half a second to a minute, until one succeeds", async () => {
    const its = new Bench().run();
    its.queue.add("a");
    for (let count = 0; count < 10; count += 1) {
      await its.fail("no");
      await its.advance(its.clock.next);
    }
    const half = [500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000];
    expect(its.failures.map(({ wait }) => wait)).toEqual(half);
    expect(its.keys).toHaveLength(11);
    await its.done();
    expect(its.clock.pending).toBe(0);
    its.queue.add("a");
    await its.fail("no");
    expect(its.failures.at(-1)).toEqual({ key: "a", error: "no", wait: 500 });
  });

  test("does not hold up other keys", async () => {
    const its = new Bench().run();
    its.queue.add("a");
    its.queue.add("b");
    await its.fail("no");
    expect(its.keys).toBe("ab");
  });

  test("waits as long as the API server asks", async () => {
    const its = new Bench().run();
    its.queue.add("a");
    await its.fail(new ApiError({ path: "/" }, 429, "TooManyRequests", "later", 7000));
    expect(its.failures.at(-1)?.wait).toBe(7000);
    await its.advance(6999);
    expect(its.keys).toBe("a");
    await its.advance(1);
    expect(its.keys).toBe("aa");
  });

  test("is repeated at once if its key was added meanwhile", async () => {
    const its = new Bench().run();
    its.queue.add("a");
    its.queue.add("a");
    await its.fail("no");
    expect(its.keys).toBe("aa");
  });
});

describe("an abort", () => {
  test("lets the passes under way end, begins no other, and leaves no timer", async () => {
    const its = new Bench(2).run();
    for (const key of "abc") its.queue.add(key);
    its.queue.addAfter("d", 1000);
    its.abort.abort();
    let ended = false;
    void its.running?.then(() => (ended = true));
    expect(its.passes.every(({ signal }) => signal.aborted)).toBe(true);
    its.passes[0]?.done(500);
    await settle();
    expect(ended).toBe(false);
    its.passes[1]?.fail(new Error("aborted"));
    await settle();
    expect(ended).toBe(true);
    expect(its.keys).toBe("ab");
    expect(its.failures).toEqual([]);
    expect(its.clock.pending).toBe(0);
  });

  test("loses no key: the next run does the passes that are left", async () => {
    const its = new Bench(1).run();
    for (const key of "ab") its.queue.add(key);
    its.queue.addAfter("c", 1000);
    its.abort.abort();
    await its.fail(new Error("aborted"));
    its.queue.addAfter("d", 1000);
    expect(its.clock.pending).toBe(0);
    void its.queue.run(new AbortController().signal);
    for (let count = 0; count < 4; count += 1) await its.done();
    expect(
      its.passes
        .slice(1)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["a", "b", "c", "d"]);
  });

  test("before the start means no start", async () => {
    const its = new Bench();
    its.queue.add("a");
    await its.queue.run(AbortSignal.abort());
    expect(its.keys).toBe("");
  });
});

test("whatever is added and however passes end, no key has two passes at a time, and none is forgotten", async () => {
  const step = fc.oneof(
    fc.record({ add: fc.constantFrom("a", "b", "c", "d") }),
    fc.record({ later: fc.constantFrom("a", "b", "c", "d"), ms: fc.integer({ min: 0, max: 5000 }) }),
    fc.record({ end: fc.nat(5), well: fc.boolean() }),
    fc.record({ time: fc.integer({ min: 1, max: 3000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.integer({ min: 1, max: 3 }), async (steps, concurrency) => {
      const its = new Bench(concurrency).run();
      const open = new Set<Pass>();
      const owed = new Set<string>();
      let known = 0;
      const look = async (): Promise<void> => {
        await settle();
        for (const pass of its.passes.slice(known)) {
          owed.delete(pass.key);
          open.add(pass);
        }
        known = its.passes.length;
        expect(open.size).toBeLessThanOrEqual(concurrency);
        expect(new Set([...open].map(({ key }) => key)).size).toBe(open.size);
      };
      const end = async (pass: Pass | undefined, well: boolean): Promise<void> => {
        if (pass === undefined) return;
        open.delete(pass);
        if (well) pass.done();
        else {
          owed.add(pass.key);
          pass.fail(new Error("no"));
        }
        await look();
      };
      for (const one of steps) {
        if ("add" in one) {
          owed.add(one.add);
          its.queue.add(one.add);
        } else if ("later" in one) {
          owed.add(one.later);
          its.queue.addAfter(one.later, one.ms);
        } else if ("end" in one) await end([...open][one.end], one.well);
        else its.clock.advance(one.time);
        await look();
      }
      for (let rounds = 0; rounds < 50 && (open.size > 0 || owed.size > 0); rounds += 1) {
        for (const pass of open) await end(pass, true);
        its.clock.advance(60_000);
        await look();
      }
      expect([...owed]).toEqual([]);
      its.abort.abort();
    }),
    { numRuns: 60 },
  );
});

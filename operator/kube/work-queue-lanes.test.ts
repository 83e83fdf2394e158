import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { WorkQueue } from "./work-queue.ts";

/** A queue in which keys in capital letters are heavy. */
function bench(concurrency = 2) {
  const clock = new FakeClock();
  const passes: string[] = [];
  const under = new Map<string, () => void>();
  const queue = new WorkQueue({
    clock,
    random: () => 0,
    concurrency,
    isHeavy: (key) => key === key.toUpperCase(),
    work: (key) =>
      new Promise((resolve) => {
        passes.push(key);
        under.set(key, () => resolve(undefined));
      }),
    failed: () => {},
  });
  const abort = new AbortController();
  void queue.run(abort.signal);
  onTestFinished(() => abort.abort());
  const end = async (key: string, computed = 0): Promise<void> => {
    queue.spent(key, computed);
    under.get(key)?.();
    await settle();
  };
  return { clock, queue, passes, end };
}

test("heavy passes run one at a time, beside as many light ones as ever", async () => {
  const its = bench();
  for (const key of ["A", "B", "C", "a", "b", "c"]) its.queue.add(key);
  expect(its.passes).toEqual(["A", "a", "b"]);
  await its.end("a");
  expect(its.passes).toEqual(["A", "a", "b", "c"]);
  await its.end("A");
  expect(its.passes.at(-1)).toBe("B");
});

test("after a heavy pass the next one waits as long as it computed, a second at the most, and light ones do not", async () => {
  const its = bench();
  for (const key of ["A", "B", "C"]) its.queue.add(key);
  await its.end("A", 300);
  its.clock.advance(299);
  its.queue.add("a");
  expect(its.passes).toEqual(["A", "a"]);
  its.clock.advance(1);
  expect(its.passes).toEqual(["A", "a", "B"]);
  await its.end("B", 5000);
  its.clock.advance(999);
  expect(its.passes.at(-1)).toBe("B");
  its.clock.advance(1);
  expect(its.passes.at(-1)).toBe("C");
});

test("a heavy key that seldom changes goes before those that change all the time", async () => {
  const its = bench();
  for (const key of ["A", "B"]) {
    its.queue.add(key);
    await its.end(key, 400);
    its.clock.advance(1000);
  }
  its.queue.add("A");
  its.queue.add("B");
  its.queue.add("Z");
  await its.end("A");
  expect(its.passes).toEqual(["A", "B", "A", "Z"]);
});

test("a key that is added all the time waits longer and longer for its pass, and the others do not wait", async () => {
  const its = bench(1);
  let passes = 0;
  for (let ms = 0; ms < 60_000; ms += 10) {
    its.queue.add("a");
    if (its.passes.at(-1) === "a" && its.passes.length > passes) {
      passes = its.passes.length;
      await its.end("a");
    }
    its.clock.advance(10);
  }
  expect(its.passes.length).toBeGreaterThan(100);
  expect(its.passes.length).toBeLessThan(300);
  its.queue.add("b");
  expect(its.passes.at(-1)).toBe("b");
});

import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { settle } from "../../test/fakes/idp-bench.ts";
import { WorkQueue, type Retry } from "./work-queue.ts";

/** A queue in which each pass ends like this. Records when passes began, and the waits after them. */
function bench(end: Retry | undefined) {
  const clock = new FakeClock();
  const began: number[] = [];
  const waits: number[] = [];
  const whys: unknown[] = [];
  const start = clock.now();
  const queue = new WorkQueue({
    clock,
    random: () => 0,
    concurrency: 1,
    work: () => {
      began.push(clock.now() - start);
      return Promise.resolve(end);
    },
    failed: (_key, why, wait) => {
      whys.push(why);
      waits.push(wait);
    },
  });
  const abort = new AbortController();
  void queue.run(abort.signal);
  return { clock, began, waits, whys, queue, abort };
}

test("a pass that is to be tried again waits as a failed one does: longer and longer", async () => {
  const { clock, queue, waits, whys, began } = bench({ why: "refused", leastWait: 0 });
  queue.add("a");
  await settle();
  for (let at = 0; at < 3; at += 1) {
    clock.advance(waits.at(-1) ?? 0);
    await settle();
  }
  expect(waits).toEqual([500, 1000, 2000, 4000]);
  expect(began).toEqual([0, 500, 1500, 3500]);
  expect(new Set(whys)).toEqual(new Set(["refused"]));
});

test("and no sooner than it says", async () => {
  const { queue, waits } = bench({ why: "refused", leastWait: 7000 });
  queue.add("a");
  await settle();
  expect(waits).toEqual([7000]);
});

test("passes that events bring in between do not put the next try off", async () => {
  const { clock, queue, waits, began } = bench({ why: "refused", leastWait: 0 });
  queue.add("a");
  await settle();
  clock.advance(500); // the next try is due after 1000
  await settle();
  for (let event = 0; event < 9; event += 1) {
    clock.advance(100);
    queue.add("a");
    await settle();
  }
  const before = began.length;
  clock.advance(100);
  await settle();
  expect(began.slice(before)).toEqual([1500]);
  expect(waits.at(-1)).toBe(2000);
});

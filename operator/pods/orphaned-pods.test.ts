import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import type { Pod } from "../watch/pod.ts";
import { OrphanedPods } from "./orphaned-pods.ts";

const { signal } = new AbortController();
const podOf = (name: string, phase = "Running"): Pod => ({
  metadata: { name, namespace: "demo", uid: name },
  adminPort: 9090,
  status: { phase, podIP: "10.0.0.1" },
});

/** Pods whose proxy is gone; a turn nudges `most` of them. */
function bench(most = Number.POSITIVE_INFINITY) {
  const clock = new FakeClock();
  const nudged: string[] = [];
  const orphans = new OrphanedPods({
    clock,
    nudge: (pods) => {
      nudged.push(...pods.slice(0, most).map(({ metadata: { name } }) => name));
      return Promise.resolve(pods.slice(most));
    },
  });
  const look = (pods: readonly Pod[], isGone = true) => orphans.look("demo/chat", pods, isGone, signal);
  return { clock, nudged, orphans, look };
}

test("pods are nudged when their config is gone, three more times within half a minute, and no more", async () => {
  const { clock, nudged, look } = bench();
  expect(await look([podOf("one")], false)).toBeUndefined();
  clock.advance(60_000);
  expect(nudged).toEqual([]);
  expect(await look([podOf("one")])).toBe(2000);
  expect(await look([podOf("one")])).toBe(2000); // an event brings a look before its time
  expect(nudged).toEqual(["one"]);
  clock.advance(2000);
  expect(await look([podOf("one"), podOf("two")])).toBe(6000);
  expect(nudged).toEqual(["one", "one", "two"]);
  clock.advance(6000);
  expect(await look([podOf("one")])).toBe(24_000);
  clock.advance(24_000);
  expect(await look([podOf("one")])).toBeUndefined();
  expect(nudged.length).toBe(5);
  clock.advance(3_600_000);
  expect(await look([podOf("one")])).toBeUndefined();
  expect(nudged.length).toBe(5);
});

test("a round that is too large for one turn goes on soon, and nudges no pod twice", async () => {
  const { nudged, look } = bench(2);
  const pods = ["a", "b", "c", "d", "e"].map((name) => podOf(name));
  expect(await look(pods)).toBe(100);
  expect(await look(pods)).toBe(100);
  expect(await look(pods)).toBe(2000);
  expect(nudged).toEqual(["a", "b", "c", "d", "e"]);
});

test("pods at their end are left alone, and a proxy that is there again begins anew", async () => {
  const { clock, nudged, orphans, look } = bench();
  expect(await look([podOf("one", "Succeeded")])).toBeUndefined();
  expect(nudged).toEqual([]);
  await look([podOf("two")]);
  orphans.forget("demo/chat");
  clock.advance(10);
  expect(await look([podOf("two")])).toBe(2000);
  expect(nudged).toEqual(["two", "two"]);
});

test("a process that begins to lead nudges again: it cannot know what was done", async () => {
  const { nudged, orphans, look } = bench();
  await look([podOf("one")]);
  orphans.begin();
  await look([podOf("one")]);
  expect(nudged).toEqual(["one", "one"]);
});

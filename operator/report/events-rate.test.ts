import { describe, expect, test } from "vitest";
import { DOWN, EventBench, ROLLS, SERVES, STARTS, STUCK } from "../../test/fakes/event-bench.ts";

const MINUTE = 60_000;

describe("over 20 minutes", () => {
  test("endpoints, keys, rollouts and a backend that flaps make the Events that they should, and no other", async () => {
    const bench = new EventBench();
    const told: string[] = [];
    const at = async (minute: number, words: string, generation: number): Promise<void> => {
      await bench.pass(words, generation);
      told.push(...bench.events.map((event) => `${minute} ${event}`));
    };
    for (let minute = 0; minute < 20; minute += 1) {
      if (minute === 0) for (const words of [STARTS, DOWN, ROLLS]) await at(0, words, 1);
      const generation = minute < 5 ? 1 : minute < 12 ? 2 : 3;
      // Every 2 s pods of a backend come and go, and keys change: now and then a pod is behind for 10 s.
      for (let look = 0; look < 30; look += 1) {
        if (minute === 12 && look < 15) await at(minute, look < 5 ? ROLLS : STUCK, 3);
        else if (minute === 15 && look < 5) await at(minute, DOWN, generation);
        else if (minute === 17 && look < 20) await at(minute, "Accepted ServiceNotFound Programmed Ready", generation);
        else await at(minute, look % 10 < 3 ? ROLLS : SERVES, generation);
        bench.clock.advance(2000);
      }
    }
    expect(told).toEqual([
      "0 Normal Accepted Accepted",
      "0 Normal Ready Ready",
      "0 Normal Programmed Programmed",
      "5 Normal Programmed Programmed",
      "12 Warning Programmed RolloutStuck",
      "12 Normal Programmed Programmed",
      "15 Warning Ready NoReadyPods",
      "15 Normal Ready Ready",
      "17 Warning ResolvedRefs ServiceNotFound",
      "17 Normal ResolvedRefs ResolvedRefs",
    ]);
  });

  test("a tenant that edits the spec once a second gets 25 Events and one more every 5 minutes, which say for how many they stand", async () => {
    const bench = new EventBench();
    for (let second = 0; second < 1200; second += 1) {
      await bench.pass(second % 2 === 0 ? SERVES : "Invalid NotAccepted NotAccepted Ready", second);
      bench.clock.advance(1000);
    }
    expect(bench.events).toHaveLength(25 + 3);
    expect(bench.notes.at(-1)).toMatch(/^Changed \d{2,3} times since its last Event\. \w+ \(generation \d+\): /);
  });

  test("a proxy that is deleted and made again in a loop has spent what it has spent", async () => {
    const bench = new EventBench();
    for (let round = 0; round < 100; round += 1) {
      bench.uid = `uid-${round}`;
      bench.standing = undefined;
      await bench.passes(STARTS, SERVES);
      bench.teller.forget("demo/chat");
    }
    expect(bench.events).toHaveLength(25);
    expect(bench.forgotten).toHaveLength(100);
  });
});

describe("what is held back", () => {
  /** 25 Events, so that the next one has to wait. */
  async function spent(): Promise<EventBench> {
    const bench = new EventBench();
    await bench.passes(SERVES);
    for (let n = 0; n < 11; n += 1) await bench.passes(DOWN, SERVES);
    expect(bench.events).toHaveLength(25);
    return bench;
  }

  test("is told once there is room, as it is then", async () => {
    const bench = await spent();
    expect(await bench.pass(DOWN)).toBe(5 * MINUTE);
    expect(await bench.pass(DOWN)).toBe(5 * MINUTE);
    await bench.passes(SERVES, DOWN);
    bench.clock.advance(4 * MINUTE);
    expect(await bench.pass(DOWN)).toBe(MINUTE);
    bench.clock.advance(MINUTE);
    expect(await bench.pass(DOWN)).toBeUndefined();
    expect(bench.events).toEqual(["Warning Ready NoReadyPods"]);
    expect(bench.notes.at(-1)).toBe("Changed 2 times since its last Event. Ready (generation 1): Some words.");
  });

  test("is not told if the state that was told is back", async () => {
    const bench = await spent();
    await bench.passes(DOWN, SERVES);
    bench.clock.advance(5 * MINUTE);
    expect(await bench.pass(SERVES)).toBeUndefined();
    expect(bench.events).toEqual([]);
  });
});

import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { CountPace } from "./count-pace.ts";

test("three counts of a proxy may be written in any 30 s, whatever other proxies do", () => {
  const clock = new FakeClock();
  const pace = new CountPace(clock);
  const taken: number[] = [];
  for (let second = 0; second < 300; second += 1) {
    if (pace.take("demo/chat") === 0) taken.push(second);
    if (second % 50 === 0) expect(pace.take(`demo/other-${second}`)).toBe(0);
    clock.advance(1000);
  }
  expect(taken).toHaveLength(30);
  for (const [at, second] of taken.entries()) expect(second - (taken[at - 3] ?? -30)).toBeGreaterThanOrEqual(30);
});

test("a wait is as long as it says", () => {
  const clock = new FakeClock();
  const pace = new CountPace(clock);
  for (let taken = 0; taken < 3; taken += 1) {
    expect(pace.take("demo/chat")).toBe(0);
    clock.advance(4000);
  }
  const wait = pace.take("demo/chat");
  expect(wait).toBe(18_000);
  clock.advance(wait - 1);
  expect(pace.take("demo/chat")).toBe(1);
  clock.advance(1);
  expect([pace.take("demo/chat"), pace.take("demo/chat")]).toEqual([0, 4000]);
});

import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { EventBudget } from "./event-budget.ts";

test("a proxy makes 25 Events at once, and one more every five minutes; another proxy has its own", () => {
  const clock = new FakeClock();
  const budget = new EventBudget(clock);
  const taken = (): number => Array.from({ length: 100 }, () => budget.take("demo/chat")).filter(Boolean).length;
  expect(taken()).toBe(25);
  expect(budget.wait("demo/chat")).toBe(300_000);
  expect([budget.wait("demo/shop"), budget.take("demo/shop")]).toEqual([0, true]);
  clock.advance(299_999);
  expect([budget.wait("demo/chat"), taken()]).toEqual([1, 0]);
  clock.advance(1);
  expect(taken()).toBe(1);
  clock.advance(24 * 3600_000);
  expect(taken()).toBe(25);
});

test("the spending of 10,000 proxies is remembered; the one that spent longest ago is forgotten", () => {
  const budget = new EventBudget(new FakeClock());
  for (let n = 0; n < 25; n += 1) budget.take("demo/first");
  for (let n = 0; n < 9_999; n += 1) budget.take(`demo/${n}`);
  expect(budget.take("demo/first")).toBe(false);
  budget.take("demo/more");
  expect(budget.take("demo/first")).toBe(true);
});

import { expect, test } from "vitest";
import { excess, total } from "./arrivals.ts";

const rate = { perSecond: 10, burst: 5 };
const at = (...moments: number[]): { at: number; messages: number; bytes: number }[] =>
  moments.map((ms) => ({ at: ms, messages: 1, bytes: 2 }));

test("the worst window tells by how much arrivals were above the rate", () => {
  expect(excess(at(0, 0, 0, 0, 0, 100, 200), "messages", rate)).toBe(0);
  expect(excess(at(0, 0, 0, 0, 0, 0), "messages", rate)).toBe(1);
  // In the whole time there were less than ten, and in the last moment seven.
  expect(excess(at(0, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000, 10_000), "messages", rate)).toBe(2);
  expect(excess(at(0), "messages", rate)).toBe(-4);
  expect(total(at(0, 1, 2), "bytes")).toBe(6);
});

import { expect, test } from "vitest";
import { Breaker } from "./breaker.ts";

test("three misses in a row open it, and an answer begins the row anew", () => {
  const breaker = new Breaker();
  breaker.missed();
  breaker.missed();
  breaker.answered();
  breaker.missed();
  breaker.missed();
  expect(breaker.open).toBe(false);
  breaker.missed();
  expect(breaker.open).toBe(true);
  breaker.missed();
  expect(breaker.open).toBe(true);
  breaker.answered();
  expect(breaker.open).toBe(false);
});

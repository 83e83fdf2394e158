import { expect, test } from "vitest";
import { DEBUG } from "../../api/debug.ts";
import { CountedPlaces } from "./watcher-places.ts";

test("there are five places, and one that is given back twice is one", () => {
  const places = new CountedPlaces();
  const leaves = Array.from({ length: DEBUG.watchers }, () => places.place());
  expect([leaves.includes(undefined), places.full, places.place()]).toEqual([false, true, undefined]);
  leaves[0]?.();
  leaves[0]?.();
  expect(places.full).toBe(false);
  expect([places.place() === undefined, places.full]).toEqual([false, true]);
});

import { expect, test } from "vitest";
import { PlaceIds } from "./ids.ts";

test("the ids before it are former, the newest of them, until the store has dropped them", () => {
  const ids = new PlaceIds("pod");
  expect([ids.current, ids.former]).toEqual(["", []]);
  expect([ids.next(), ids.next(), ids.current]).toEqual(["pod.1", "pod.2", "pod.2"]);
  expect(ids.former).toEqual(["pod.1"]);
  for (let n = 0; n < 100; n += 1) ids.next();
  expect([ids.former.length, ids.former.includes("pod.1")]).toEqual([64, false]);
  const { former } = ids;
  ids.next();
  ids.dropped(former);
  expect(ids.former).toHaveLength(1);
});

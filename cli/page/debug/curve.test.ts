import { expect, test } from "vitest";
import { Curve, curvePath, POINTS } from "./curve.js";

const size = { width: 46, height: 20 };

test("keeps the last points only", () => {
  const curve = new Curve();
  expect(curve.last).toBeUndefined();
  for (let rate = 1; rate <= POINTS + 6; rate += 1) curve.add(rate);
  expect(curve.points).toHaveLength(POINTS);
  expect([curve.points[0], curve.last]).toEqual([7, POINTS + 6]);
});

test("draws the newest point on the right, the largest at the top, and none below the ground", () => {
  expect(curvePath([0, 10, 5], size)).toBe("M42.0 19.0L44.0 1.0L46.0 10.0");
});

test("a rate below one a second is a low curve", () => {
  expect(curvePath([0, 0.1], size)).toBe("M44.0 19.0L46.0 17.2");
});

test("draws nothing of nothing", () => {
  expect([curvePath([], size), curvePath([3], size), curvePath([0, 0, 0], size)]).toEqual(["", "", ""]);
});

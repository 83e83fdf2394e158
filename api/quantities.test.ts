import { describe, expect, test } from "vitest";
import { parseDuration, parseSize } from "./quantities.ts";

describe("a size", () => {
  test.each([
    ["0", 0],
    ["1", 1],
    [7, 7],
    ["64Ki", 65_536],
    ["1.5k", 1500],
    ["0.5Mi", 524_288],
    ["0.000001", 1],
    ["999Ti", 999 * 2 ** 40],
    ["999999999999999", 999_999_999_999_999],
  ])("%s is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });

  test.each(["", "-1", "1e3", "1K", "1m", "007", "1.", ".5", "1000Ti", "1 Ki", -1, 1.5, 2 ** 60])(
    "%s is none",
    (text) => {
      expect(parseSize(text)).toBeNaN();
    },
  );
});

describe("a duration", () => {
  test.each([
    ["0", 0],
    ["250ms", 250],
    ["1m30s", 90_000],
    ["1.5h", 5_400_000],
    ["0h0m0.001s", 1],
  ])("%s is %d milliseconds", (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds);
  });

  test.each(["", "1", "-1s", "1d", "s", "1s ", "1m 30s", "1e3s"])("%j is none", (text) => {
    expect(parseDuration(text)).toBeNaN();
  });
});

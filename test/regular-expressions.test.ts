import { describe, expect, test } from "vitest";
import { leastTime } from "./fakes/least-time.ts";
import { pumpsFor, type Pump } from "./fakes/pumped-text.ts";
import { regularExpressionsIn } from "./fakes/regular-expressions.ts";

/**
 * The sources that see text from the network hold no regular expression that goes back on its own steps: a text of twice
 * the length takes at most three times as long. Expressions are found by reading the sources, so none is forgotten.
 */

/** As long as a request head may be. */
const LENGTH = 16_384;
/** Below this nothing is measured: what goes back on its steps takes tens of milliseconds at this length. In ms. */
const FLOOR = 1;

const { literals, constructed } = regularExpressionsIn(["dataplane", "runtime"]);

const took = (expression: RegExp, text: string, runs: number): number =>
  leastTime(() => void text.replace(expression, ""), runs);

/** How many times longer a text of this length takes than one of half of it; 1 where both take next to nothing. */
function growth(expression: RegExp, pump: Pump, length = LENGTH): number {
  const long = pump(length);
  if (took(expression, long, 1) <= FLOOR) return 1;
  const whole = took(expression, long, 5);
  return whole <= FLOOR ? 1 : whole / took(expression, pump(length / 2), 5);
}

test.each([
  ["a repeat before another that admits the same", /^bearer(?: +(.*))?$/i],
  ["a repeat that may begin anywhere", /%.*$/],
  ["a class that may begin anywhere", /[\t ]+$/],
  ["two repeats in a row", /^[a-z]+[a-z0-9]*;$/],
])("the growth of %s shows", (_what, expression) => {
  expect(pumpsFor(expression.source).some((pump) => growth(expression, pump, LENGTH / 4) > 3)).toBe(true);
});

test("regular expressions of the data plane and the runtime are literals, so that they can be found", () => {
  expect(literals.length).toBeGreaterThan(25);
  expect(constructed).toEqual([]);
});

describe("an expression takes time in proportion to what it reads", () => {
  test.each(literals.map((literal) => [literal.name, literal] as const))("%s", (_name, { source, flags }) => {
    const expression = new RegExp(source, flags);
    for (const pump of pumpsFor(source)) {
      const times = growth(expression, pump);
      expect(times, `twice of ${JSON.stringify(pump(20))}`).toBeLessThanOrEqual(3);
    }
  });
});

import type { Pair } from "./pair.ts";
import type { StoredPairs } from "./stored-pairs.ts";

/**
 * The pair that a replica serves: the current one, else the last that it served, else the next one. One that has expired
 * comes last. That the time of a pair has not come yet does not count: the clock of the API server decides, not ours.
 */
export function pairToServe({ current, next }: StoredPairs, last: Pair | undefined, now: number): Pair | undefined {
  const pairs = [current, last, next].filter((pair) => pair !== undefined);
  return pairs.find(({ notAfter }) => now < notAfter) ?? pairs[0];
}

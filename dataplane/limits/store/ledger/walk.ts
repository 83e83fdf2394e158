import type { Clock } from "../../../../runtime/clock.ts";
import { Slices } from "../../../../runtime/loop/slices.ts";

/** Keys in one call. */
export const BATCH = 500;
/** Keys that are looked at before the time is looked at. */
const STRIDE = 64;

/**
 * Looks at keys, `most` of them, and writes those that are wanted in batches, one after the other. Resolves to false when
 * there are no more. Gives way to other work; rejects as `write` does.
 */
export async function walk(
  keys: Iterator<string>,
  most: number,
  wanted: (key: string) => boolean,
  write: (keys: readonly string[]) => Promise<void>,
  clock: Clock,
): Promise<boolean> {
  const slices = new Slices(clock);
  let batch: string[] = [];
  let more = true;
  for (let seen = 0; more && seen < most; seen += 1) {
    const { value, done } = keys.next();
    if (done === true) more = false;
    else if (wanted(value)) batch.push(value);
    if (batch.length === BATCH || (!more && batch.length > 0)) {
      await write(batch);
      batch = [];
    }
    if (seen % STRIDE === 0 && slices.spent) await slices.next();
  }
  if (batch.length > 0) await write(batch);
  return more;
}

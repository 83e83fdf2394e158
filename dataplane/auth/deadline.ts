import type { Clock, Timer } from "../../runtime/clock.ts";

/** Timers do not see the wall clock being set, nor the machine's sleep: it is looked at this often. */
const LOOK = 30_000;

/** Calls `fn` once when the wall clock has reached `wall` (milliseconds since the epoch); the returned function stops it. */
export function atWallTime(clock: Clock, wall: number, fn: () => void): () => void {
  if (wall === Number.POSITIVE_INFINITY) return () => {};
  let timer: Timer | undefined;
  const look = (): void => {
    const left = wall - clock.wall();
    if (left <= 0) fn();
    else timer = clock.after(Math.min(left, LOOK), look);
  };
  // Not from within this call, even if it is late: the caller does not yet hold the function that stops it.
  timer = clock.after(Math.max(0, Math.min(wall - clock.wall(), LOOK)), look);
  return () => timer?.cancel();
}

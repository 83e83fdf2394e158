import type { Clock } from "../clock.ts";

/** A timer is due this often, in ms. */
const INTERVAL = 100;

/** Tells 10 times a second how late a timer fired, in seconds: for that long nothing else was done either. */
export function watchEventLoop(clock: Clock, late: (seconds: number) => void, abort: AbortSignal): void {
  const arm = (): void => {
    if (abort.aborted) return;
    const due = clock.now() + INTERVAL;
    clock.after(INTERVAL, () => {
      late(Math.max(0, clock.now() - due) / 1000);
      arm();
    });
  };
  arm();
}

import type { Clock } from "../clock.ts";

/** Time between two measurements, in ms. */
const INTERVAL = 100;

/** Measures 10 times a second how late a timer fires, in seconds: everything else waited as long. */
export function watchEventLoop(clock: Clock, measured: (seconds: number) => void, abort: AbortSignal): void {
  const arm = (): void => {
    if (abort.aborted) return;
    const due = clock.now() + INTERVAL;
    clock.after(INTERVAL, () => {
      measured(Math.max(0, clock.now() - due) / 1000);
      arm();
    });
  };
  arm();
}

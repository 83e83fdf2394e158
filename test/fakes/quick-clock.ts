import { systemClock, type Clock } from "../../runtime/clock.ts";

/** The machine's clock, `times` as fast: timers keep their order, and tests of long waits are short. */
export function quickClock(times: number): Clock {
  const wall = systemClock.wall();
  return {
    now: () => systemClock.now() * times,
    wall: () => wall + (systemClock.wall() - wall) * times,
    after: (ms, fn) => systemClock.after(ms / times, fn),
  };
}

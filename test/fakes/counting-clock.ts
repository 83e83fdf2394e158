import { systemClock, type Clock, type Timer } from "../../runtime/clock.ts";

/** The machine's clock, with a count of the timers that have neither fired nor been cancelled. */
export class CountingClock implements Clock {
  readonly #pending = new Set<Timer>();

  now(): number {
    return systemClock.now();
  }

  wall(): number {
    return systemClock.wall();
  }

  after(ms: number, fn: () => void): Timer {
    const inner = systemClock.after(ms, () => {
      this.#pending.delete(timer);
      fn();
    });
    const timer = {
      cancel: () => {
        this.#pending.delete(timer);
        inner.cancel();
      },
    };
    this.#pending.add(timer);
    return timer;
  }

  get pending(): number {
    return this.#pending.size;
  }
}

import type { Clock, Timer } from "../../runtime/clock.ts";

/** A clock that stands until it is advanced. The wall clock can be set apart from the monotonic one. */
export class FakeClock implements Clock {
  #now = 1000;
  #offset = Date.UTC(2026, 0, 1);
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#now + this.#offset;
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves both clocks, firing what becomes due in its order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const next = [...this.#timers].sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.fn();
    }
    this.#now = until;
  }

  /** Sets the wall clock, as an administrator does. */
  setWall(wall: number): void {
    this.#offset = wall - this.#now;
  }
}

import type { Clock, Timer } from "../../runtime/clock.ts";

/** A clock that stands still until a test moves it; timers fire in order as it passes them. */
export class FakeClock implements Clock {
  #now = 1_000;
  #wall: number;
  readonly #timers = new Set<{ at: number; fn: () => void }>();

  constructor(wall = Date.parse("2026-01-01T00:00:00Z")) {
    this.#wall = wall - this.#now;
  }

  now(): number {
    return this.#now;
  }

  wall(): number {
    return this.#wall + this.#now;
  }

  after(ms: number, fn: () => void): Timer {
    const timer = { at: this.#now + Math.max(0, ms), fn };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** Advances both clocks and fires the timers that are due. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = Math.max(this.#now, due.at);
      due.fn();
    }
    this.#now = end;
  }

  /** Steps the wall clock, as an administrator or NTP would. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }

  /** Time until the next timer fires. */
  get next(): number {
    return Math.min(...[...this.#timers].map(({ at }) => at)) - this.#now;
  }

  /** Does a timer fire in exactly this long? */
  has(ms: number): boolean {
    return [...this.#timers].some(({ at }) => at === this.#now + ms);
  }

  /** Timers that have not fired. */
  get pending(): number {
    return this.#timers.size;
  }
}

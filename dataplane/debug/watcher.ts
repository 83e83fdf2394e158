import { DEBUG } from "../../api/debug.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { EventFilter } from "./event-filter.ts";

/** Where a watcher's stream goes; never waits for its reader. */
export interface EventSink {
  write(text: string): void;
  end(): void;
}

/** One stream of events: those that pass its filter, and a sign of life where there are none. */
export class Watcher {
  readonly filter: EventFilter;
  readonly #sink: EventSink;
  readonly #clock: Clock;
  #last: number;
  #timer: Timer;

  constructor(filter: EventFilter, sink: EventSink, clock: Clock) {
    this.filter = filter;
    this.#sink = sink;
    this.#clock = clock;
    this.#last = clock.now();
    this.#timer = this.#arm(DEBUG.heartbeat);
  }

  write(text: string): void {
    this.#last = this.#clock.now();
    this.#sink.write(text);
  }

  stop(): void {
    this.#timer.cancel();
  }

  /** Events do not touch the timer: there may be thousands in a second. */
  #arm(ms: number): Timer {
    return this.#clock.after(ms, () => {
      if (this.#clock.now() - this.#last >= DEBUG.heartbeat) this.write(":\n\n");
      this.#timer = this.#arm(this.#last + DEBUG.heartbeat - this.#clock.now());
    });
  }
}

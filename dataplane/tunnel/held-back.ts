import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ByteSource } from "./byte-source.ts";

/** What a limit holds back of a direction: its source, for a time, and the bytes of it that may not be forwarded yet. */
export class HeldBack {
  readonly #source: ByteSource;
  readonly #clock: Clock;
  readonly #counter: { holding(bytes: number): void };
  #bytes: Buffer | undefined;
  #timer: Timer | undefined;

  /** `counter` is told how much memory it costs. */
  constructor(source: ByteSource, clock: Clock, counter: { holding(bytes: number): void }) {
    this.#source = source;
    this.#clock = clock;
    this.#counter = counter;
  }

  get length(): number {
    return this.#bytes?.length ?? 0;
  }

  /** There are bytes. */
  get any(): boolean {
    return this.#bytes !== undefined;
  }

  /** Keeps a copy behind what is there. */
  add(rest: Buffer): void {
    this.#bytes = this.#bytes === undefined ? Buffer.from(rest) : Buffer.concat([this.#bytes, rest]);
    this.#count();
  }

  /** All of them, which are then no longer here. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes === undefined) return undefined;
    this.#bytes = undefined;
    this.#count();
    return bytes;
  }

  /** The source is paused for its time. */
  get pausing(): boolean {
    return this.#timer !== undefined;
  }

  /** Pauses the source for so many ms, and no longer for what it was paused before. */
  pause(ms: number, over: () => void): void {
    this.#source.pause();
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, () => {
      this.unpause();
      over();
    });
    this.#count();
  }

  /** The time is over; the source is the caller's to resume. */
  unpause(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    this.#count();
  }

  #count(): void {
    this.#counter.holding(this.length + (this.pausing ? this.#source.ahead : 0));
  }
}

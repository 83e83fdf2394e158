import type { Clock, Timer } from "../../../../runtime/clock.ts";
import type { Log } from "../../../../runtime/log.ts";

/** Changes that are told at once, while one each second is told on the long run. */
const BURST = 10;
/** Time in which the log takes one more line, in ms. */
const CHANGES = 1_000;
/** Least time before a line that only tells another cause, in ms. */
const CAUSES = 10_000;

/** Tells the log when the store becomes available or unavailable, and why; of a store that flickers, a line each second. */
export class StateLog {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #fields: { readonly proxy: string };
  /** `undefined`: available; a text: the cause why not. */
  #told: { readonly cause: string | undefined; readonly at: number } | undefined;
  #cause: string | undefined;
  /** Lines that count against the burst. */
  #lines = 0;
  #timer: Timer | undefined;

  constructor(clock: Clock, log: Log, proxy: string) {
    this.#clock = clock;
    this.#log = log;
    this.#fields = { proxy };
  }

  available(): void {
    this.#became(undefined);
  }

  unavailable(cause: string): void {
    this.#became(cause);
  }

  close(): void {
    this.#timer?.cancel();
  }

  #became(cause: string | undefined): void {
    this.#timer?.cancel();
    this.#cause = cause;
    if (this.#told === undefined) return this.#tell();
    if (this.#told.cause === cause) return;
    const flips = (this.#told.cause === undefined) !== (cause === undefined);
    const quiet = this.#clock.now() - this.#told.at;
    const wait = flips ? (this.#lines + 1 - BURST) * CHANGES - quiet : CAUSES - quiet;
    if (wait <= 0) this.#tell();
    else this.#timer = this.#clock.after(wait, () => this.#tell());
  }

  #tell(): void {
    const [cause, now] = [this.#cause, this.#clock.now()];
    this.#lines = Math.max(0, this.#lines - (now - (this.#told?.at ?? now)) / CHANGES) + 1;
    this.#told = { cause, at: now };
    if (cause === undefined) this.#log.info(this.#fields, "store available");
    else this.#log.warn({ ...this.#fields, cause }, "store unavailable");
  }
}

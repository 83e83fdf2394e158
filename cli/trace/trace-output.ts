import type { CommandIO } from "../line/command.ts";
import { counted } from "../sessions/session-table.ts";

/** Bytes that may wait for a slow reader of standard output. */
const MOST_WAITING = 4 * 1024 * 1024;

/** Standard output of a command that prints what comes: it retains little for a slow reader, and tells when none is left. */
export class TraceOutput {
  readonly #out: CommandIO["out"];
  readonly #note: (words: string) => void;
  readonly #gone = new AbortController();
  readonly #lost = (): void => this.#gone.abort();
  #leftOut = 0;

  /** `note` is told how many events a slow reader missed. */
  constructor(out: CommandIO["out"], note: (words: string) => void) {
    this.#out = out;
    this.#note = note;
    for (const event of ["error", "close"]) out.once(event, this.#lost);
  }

  /** Aborts when the other end of the pipe is closed. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Prints the lines of one event. */
  write(text: string): void {
    if (text === "" || this.#gone.signal.aborted) return;
    const { writableLength = 0 } = this.#out as { readonly writableLength?: number };
    if (writableLength > MOST_WAITING) {
      this.#leftOut += 1;
      return;
    }
    this.#tell();
    this.#out.write(text);
  }

  close(): void {
    this.#tell();
    for (const event of ["error", "close"]) this.#out.off(event, this.#lost);
  }

  #tell(): void {
    if (this.#leftOut > 0)
      this.#note(`${counted(this.#leftOut, "event")} left out: standard output is not read in time`);
    this.#leftOut = 0;
  }
}

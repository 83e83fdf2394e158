import type { Clock, Timer } from "../clock.ts";

/** Least time between two writes, in ms: each of them costs a call of the kernel, and wakes the client. */
const GATHERED_FOR = 50;
/** Characters that are not gathered further. */
const MOST_GATHERED = 16_384;

/** Texts of a stream: the first after a pause is written at once, those that come right behind it together. */
export class GatheredTexts {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  #texts = "";
  #last = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  add(text: string): void {
    this.#texts += text;
    if (this.#texts.length >= MOST_GATHERED) return this.flush();
    if (this.#timer !== undefined) return;
    const wait = this.#last + GATHERED_FOR - this.#clock.now();
    if (wait <= 0) this.flush();
    else this.#timer = this.#clock.after(wait, () => this.flush());
  }

  /** Writes what is there. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#last = this.#clock.now();
    const texts = this.#texts;
    this.#texts = "";
    if (texts !== "") this.#write(texts);
  }

  /** Forgets what is there. */
  drop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#texts = "";
  }
}

/** Bytes of a direction that may not be forwarded yet. */
export class HeldBytes {
  #bytes: Buffer | undefined;
  #beside = 0;
  readonly #counter: { holding(bytes: number): void };

  /** `counter` is told how much memory they cost. */
  constructor(counter: { holding(bytes: number): void }) {
    this.#counter = counter;
  }

  get length(): number {
    return this.#bytes?.length ?? 0;
  }

  get any(): boolean {
    return this.#bytes !== undefined;
  }

  /** Keeps a copy behind what is there. */
  add(rest: Buffer): void {
    this.#set(this.#bytes === undefined ? Buffer.from(rest) : Buffer.concat([this.#bytes, rest]));
  }

  /** All of them, which are then no longer here. */
  take(): Buffer | undefined {
    const bytes = this.#bytes;
    if (bytes !== undefined) this.#set(undefined);
    return bytes;
  }

  /** Memory that the wait costs beside them. */
  beside(bytes: number): void {
    if (bytes === this.#beside) return;
    this.#beside = bytes;
    this.#count();
  }

  #set(bytes: Buffer | undefined): void {
    this.#bytes = bytes;
    this.#count();
  }

  #count(): void {
    this.#counter.holding(this.length + this.#beside);
  }
}

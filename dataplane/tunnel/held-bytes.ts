/** Bytes of a direction that may not be forwarded yet. */
export class HeldBytes {
  #bytes: Buffer | undefined;
  readonly #counter: { holding(bytes: number): void };

  /** `counter` is told how many there are. */
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

  #set(bytes: Buffer | undefined): void {
    this.#bytes = bytes;
    this.#counter.holding(this.length);
  }
}

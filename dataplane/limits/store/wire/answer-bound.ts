/** Bytes of answers that may come while no answer is whole. Those to our scripts have a few kB at most. */
const MOST_BYTES = 1_048_576;
/** Digits in the length of a list or map. A parser makes room for all of it before the first element is there. */
const MOST_DIGITS = 5;

/** `\n`, `0`, `9`. */
const [LF, ZERO, NINE] = [10, 48, 57];
/** A list, a set, a push, a map, attributes. */
const LISTS: ReadonlySet<number> = new Set(Buffer.from("*~>%|"));

/**
 * What a server may send: the client of the protocol would keep an answer of any length, until the process has no memory
 * left. It looks at all that comes before the client does.
 */
export class AnswerBound {
  #bytes = 0;
  #before = LF;
  /** Digits of the length that is being read; -1: none is. */
  #digits = -1;

  /** An answer is whole. */
  answered(): void {
    this.#bytes = 0;
  }

  /** False: the server sends too much. */
  holds(chunk: Uint8Array): boolean {
    this.#bytes += chunk.length;
    if (this.#bytes > MOST_BYTES) return false;
    for (const byte of chunk) {
      if (this.#digits >= 0 && byte >= ZERO && byte <= NINE) this.#digits += 1;
      else this.#digits = this.#before === LF && LISTS.has(byte) ? 0 : -1;
      if (this.#digits > MOST_DIGITS) return false;
      this.#before = byte;
    }
    return true;
  }
}

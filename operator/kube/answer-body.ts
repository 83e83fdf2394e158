import type { IncomingMessage } from "node:http";
import { reasonOf } from "./deadline.ts";
import { Turns } from "./turns.ts";

/** An answer of up to this many characters is read without waiting for a turn. */
const SMALL = 64 * 1024;
/** Larger answers that are read at the same time: each is in memory as bytes, as text and as parsed JSON. */
const LARGE_AT_A_TIME = 2;

/** Characters that TooLong holds of an answer. */
const START = 4096;

/** The answer is longer than `Call.most`. */
export class TooLong extends Error {
  override readonly name = "TooLong";
  /** The answer's first characters. */
  readonly start: string;

  constructor(most: number, start: string) {
    super(`the answer has more than ${most} characters`);
    this.start = start;
  }
}

/** The whole body of an answer. */
export interface AnswerBody {
  readonly text: string;
  /** The caller calls it when it no longer needs the text: the next large answer can then be read. */
  readonly release: () => void;
}

/** Reads the bodies of answers, large ones a few at a time: the memory for them does not grow with the number of calls. */
export class AnswerBodies {
  readonly #turns = new Turns(LARGE_AT_A_TIME);

  /** Rejects with TooLong beyond `most` characters, with the connection's error, or with the abort's reason. */
  async read(response: IncomingMessage, most: number, signal: AbortSignal): Promise<AnswerBody> {
    const unbind = destroyOn(signal, response);
    let release = (): void => {};
    try {
      const chunks: string[] = [];
      let size = 0;
      let turn = false;
      // Each chunk becomes a string at once: strings are on V8's heap; buffers would fragment the memory outside it.
      for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
        chunks.push(chunk);
        size += chunk.length;
        if (size > most) throw new TooLong(most, chunks.join("").slice(0, START));
        if (size <= SMALL || turn) continue;
        release = await this.#turns.take(signal);
        turn = true;
      }
      return { text: chunks.join(""), release };
    } catch (error) {
      release();
      throw error;
    } finally {
      unbind();
    }
  }
}

/** Destroys `body` when `signal` aborts; the returned function takes the listener away. */
export function destroyOn(signal: AbortSignal, body: IncomingMessage): () => void {
  const end = (): void => void body.destroy(reasonOf(signal));
  const release = (): void => signal.removeEventListener("abort", end);
  signal.addEventListener("abort", end, { once: true });
  body.once("close", release);
  if (signal.aborted) end();
  return release;
}

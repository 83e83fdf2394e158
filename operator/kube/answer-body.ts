import type { IncomingMessage } from "node:http";
import { reasonOf } from "./deadline.ts";
import { Turns } from "./turns.ts";

/** Characters of an answer that are read at once, beside as many others as there are calls. */
const SMALL = 64 * 1024;
/** Larger answers that are read at the same time: each is in memory as bytes, as text and as what is made of it. */
const LARGE_AT_A_TIME = 2;

/** Characters of the start of an answer that is too long. */
const START = 4096;

/** The answer is longer than the call takes. */
export class TooLong extends Error {
  override readonly name = "TooLong";
  /** How it begins. */
  readonly start: string;

  constructor(most: number, start: string) {
    super(`the answer has more than ${most} characters`);
    this.start = start;
  }
}

/** A body that was read. */
export interface AnswerBody {
  readonly text: string;
  /** Lets the next large one be read: to be called when the text is no longer needed. */
  readonly release: () => void;
}

/** Reads the bodies of answers; large ones in turn, so that what is in memory of them does not grow with the calls. */
export class AnswerBodies {
  readonly #turns = new Turns(LARGE_AT_A_TIME);

  /** Rejects with TooLong beyond `most` characters, and with what broke the connection or aborted the call. */
  async read(response: IncomingMessage, most: number, signal: AbortSignal): Promise<AnswerBody> {
    const unbind = destroyOn(signal, response);
    let release = (): void => {};
    try {
      const chunks: string[] = [];
      let size = 0;
      let turn = false;
      // As text from the start: what is read is garbage that V8 knows of, and leaves no gaps in memory outside its heap.
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

/** Ends a body that is not read to its end. */
export function destroyOn(signal: AbortSignal, body: IncomingMessage): () => void {
  const end = (): void => void body.destroy(reasonOf(signal));
  const release = (): void => signal.removeEventListener("abort", end);
  signal.addEventListener("abort", end, { once: true });
  body.once("close", release);
  if (signal.aborted) end();
  return release;
}

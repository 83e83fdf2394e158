import type { IncomingMessage } from "node:http";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { LARGEST_OBJECT } from "./client.ts";
import { WatchFailure } from "./watch-events.ts";

/** A line that is longer than this many bytes ends the watch: it may never end. */
const ENDLESS = 4 * LARGEST_OBJECT;
/** Bytes that a LongLine holds: enough to name the object. */
const START = 4096;

/** The start of a line that is longer than any object; the rest of it was dropped. */
export class LongLine {
  readonly start: string;

  constructor(start: string) {
    this.start = start;
  }
}

/**
 * Yields the lines of a watch as they come, and a LongLine for each line that is too long. Ends with the stream; a line
 * that the end cuts short is left out. Throws WatchFailure when the connection breaks, a line is endless, or nothing has
 * come for `silence` ms (bookmarks come about once a minute).
 */
export async function* watchLines(
  body: IncomingMessage,
  clock: Clock,
  silence: number,
): AsyncGenerator<string | LongLine> {
  let timer: Timer | undefined;
  const listen = (): void => {
    timer?.cancel();
    timer = clock.after(silence, () => body.destroy(new Error(`nothing came for ${silence} ms`)));
  };
  let rest: Buffer[] = [];
  let size = 0;
  try {
    listen();
    for await (const chunk of body as AsyncIterable<Buffer>) {
      listen();
      let from = 0;
      for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, from)) {
        const line = Buffer.concat([...rest, chunk.subarray(from, end)]);
        const long = size + end - from > LARGEST_OBJECT;
        rest = [];
        size = 0;
        from = end + 1;
        if (long) yield new LongLine(line.toString("utf8", 0, START));
        else if (line.length > 0) yield* textOf(line);
      }
      if (from === chunk.length) continue;
      size += chunk.length - from;
      if (size > ENDLESS) throw new Error(`a line is longer than ${ENDLESS} bytes`);
      if (size <= LARGEST_OBJECT) rest.push(chunk.subarray(from));
      else rest = [Buffer.concat(rest).subarray(0, START)];
    }
  } catch (cause) {
    throw new WatchFailure(`the watch broke: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    timer?.cancel();
    body.destroy();
  }
}

/** Nothing for a line of white space. */
function* textOf(line: Buffer): Generator<string> {
  const text = line.toString("utf8");
  if (text.trim() !== "") yield text;
}

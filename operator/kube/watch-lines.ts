import type { IncomingMessage } from "node:http";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { LARGEST_OBJECT } from "./client.ts";
import { WatchBroken } from "./watch-events.ts";

/** Bytes after which a line is taken for one that never ends. */
const ENDLESS = 4 * LARGEST_OBJECT;
/** Bytes of the start of a line that is too long: it names the object. */
const START = 4096;

/** The start of a line that is longer than an object can be; the rest of it was thrown away. */
export class LongLine {
  readonly start: string;

  constructor(start: string) {
    this.start = start;
  }
}

/**
 * The lines of a watch as they come, of one that is too long its start. Ends with the stream; throws WatchBroken where the
 * connection breaks, where a line does not end, or where nothing has come for `silence` ms (bookmarks come about once a minute: a watch that is
 * silent for longer is dead). A line that the end cut short is left out.
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
        else if (line.length > 0) yield* written(line);
      }
      if (from === chunk.length) continue;
      size += chunk.length - from;
      if (size > ENDLESS) throw new Error(`a line is longer than ${ENDLESS} bytes`);
      if (size <= LARGEST_OBJECT) rest.push(chunk.subarray(from));
      else rest = [Buffer.concat(rest).subarray(0, START)];
    }
  } catch (cause) {
    throw new WatchBroken(`the watch broke: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    timer?.cancel();
    body.destroy();
  }
}

function* written(line: Buffer): Generator<string> {
  const text = line.toString("utf8");
  if (text.trim() !== "") yield text;
}

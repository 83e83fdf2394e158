import type { IncomingMessage } from "node:http";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { WatchBroken } from "./watch-events.ts";

/** Longest line: objects are bounded at a few MiB by the API server itself. */
const MAX_LINE = 16 * 1024 * 1024;

/**
 * The lines of a watch as they come. Ends with the stream; throws WatchBroken where the connection breaks, where a line
 * is too long, or where nothing has come for `silence` ms (bookmarks come about once a minute: a watch that is silent
 * for longer is dead). A line that the end cut short is left out.
 */
export async function* watchLines(body: IncomingMessage, clock: Clock, silence: number): AsyncGenerator<string> {
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
        const line = Buffer.concat([...rest, chunk.subarray(from, end)]).toString("utf8");
        rest = [];
        size = 0;
        from = end + 1;
        if (line.trim() !== "") yield line;
      }
      if (from === chunk.length) continue;
      rest.push(chunk.subarray(from));
      size += chunk.length - from;
      if (size > MAX_LINE) throw new Error(`a line is longer than ${MAX_LINE} bytes`);
    }
  } catch (cause) {
    throw new WatchBroken(`the watch broke: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    timer?.cancel();
    body.destroy();
  }
}

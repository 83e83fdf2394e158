import type { IncomingMessage } from "node:http";
import { openStream, type Question } from "./ask.ts";
import { failureIn, LiveFailure } from "./live-failure.ts";
import type { Place, Target } from "./target.ts";

/** A stream, and the process that sends it. */
export interface OpenStream {
  readonly place: Place;
  readonly body: IncomingMessage;
}

/** Processes that are asked at the same time. */
const AT_ONCE = 16;

/**
 * Opens a stream that only one process has, such as that of a session: asks them a few at a time until one opens it. Rejects
 * with LiveFailure: that it is nowhere only where every process says so.
 */
export async function openFirst(target: Target, question: Question, signal: AbortSignal): Promise<OpenStream> {
  const waiting = (await target.places(signal)).values();
  const failures: LiveFailure[] = [];
  const lost = new AbortController();
  let found: OpenStream | undefined;
  const tried = async (place: Place): Promise<void> => {
    // Of the stream that is found its own signal is left alone.
    const own = new AbortController();
    const give = (): void => own.abort();
    lost.signal.addEventListener("abort", give);
    try {
      const body = await openStream(place, question, AbortSignal.any([signal, own.signal]));
      lost.signal.removeEventListener("abort", give);
      if (found === undefined) found = { place, body };
      else body.destroy();
      lost.abort();
    } catch (error) {
      const failure = failureIn(error);
      if (found === undefined) failures.push(failure);
    }
  };
  const worker = async (): Promise<void> => {
    for (const place of waiting) {
      if (found !== undefined || signal.aborted) return;
      await tried(place);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  if (found !== undefined) return found;
  const told = failures.find(({ kind }) => kind !== "Absent") ?? failures[0];
  throw told ?? new LiveFailure("Unreachable", `${target.title} was not asked to the end`);
}

import { DEBUG } from "../../api/debug.ts";
import type { Question } from "./ask.ts";
import { objectIn } from "./event-object.ts";
import { EventLines, readEvents } from "./event-stream.ts";
import type { PlaceEvent } from "./follow.ts";
import { LiveFailure } from "./live-failure.ts";
import { openFirst } from "./open-first.ts";
import type { Target } from "./target.ts";

/** Time without a sign of life after which a stream is dead, in ms. */
const SILENCE = 2 * DEBUG.heartbeat + 10_000;

/** What is told of a stream that one process has. */
export interface OneStream {
  /** It is open; called once, before every event. */
  opened?(): void;
  event(event: PlaceEvent): void;
  trouble(failure: LiveFailure): void;
}

/**
 * Hands over a stream that only one process has until it ends or `signal` aborts; it is not opened again. Rejects with
 * LiveFailure where no process opens it.
 */
export async function watchOne(
  target: Target,
  question: Question,
  told: OneStream,
  signal: AbortSignal,
): Promise<void> {
  const { place, body } = await openFirst(target, question, signal);
  told.opened?.();
  const lines = new EventLines(
    ({ name, data: text }) => {
      const data = objectIn(text);
      if (data !== undefined && !signal.aborted) told.event({ place, name, data });
    },
    () => told.trouble(new LiveFailure("Nonsense", `an event of ${place.name} is too long, and is left out`)),
  );
  const end = await readEvents(body, lines, SILENCE, signal);
  if (end === "Silent") told.trouble(new LiveFailure("Unreachable", `${place.name} says nothing any more`));
}

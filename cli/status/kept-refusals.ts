import { setTimeout as sleep } from "node:timers/promises";
import { DEBUG, handshakeEvent } from "../../api/debug.ts";
import { openStream } from "../live/ask.ts";
import { EventLines, readEvents } from "../live/event-stream.ts";
import type { Place } from "../live/target.ts";

/** A handshake that was refused lately. Texts are as the process tells them. */
export interface Refusal {
  /** RFC 3339. */
  readonly at: string;
  readonly proxy: string;
  readonly reason: string;
  readonly status: number;
  readonly route?: string | undefined;
  readonly client?: string | undefined;
  readonly address?: string | undefined;
  readonly path?: string | undefined;
}

/** Silence after the beginning of the stream, in ms: nothing in it says where what is kept ends. */
const QUIET = 400;

/**
 * The refusals that a process keeps, oldest first: the beginning of its stream of events, which is closed then. Rejects with
 * LiveFailure.
 */
export async function keptRefusals(place: Place, signal: AbortSignal): Promise<readonly Refusal[]> {
  const over = new AbortController();
  const question = { path: "/debug/events", query: { outcome: "refused" } };
  const body = await openStream(place, question, AbortSignal.any([signal, over.signal]));
  const found: Refusal[] = [];
  let told = 0;
  const lines = new EventLines(
    ({ name, data }) => {
      told += 1;
      // What follows what is kept, however much there is of it, has just happened and counts too.
      if (found.length >= DEBUG.refusals) over.abort();
      else if (name === "handshake") found.push(...refusalIn(data));
    },
    () => (told += 1),
  );
  const reading = readEvents(body, lines, QUIET, over.signal);
  void sleep(LONGEST, undefined, { signal: over.signal }).then(
    () => over.abort(),
    () => {},
  );
  await reading;
  over.abort();
  return found;
}

/** Time for the beginning of a stream on which events keep coming, in ms. */
const LONGEST = 2000;

function refusalIn(data: string): readonly Refusal[] {
  const parsed = handshakeEvent.safeParse(json(data));
  if (!parsed.success) return [];
  const { at, proxy, reason, status, route, client, address, path } = parsed.data;
  return [{ at, proxy, reason, status, route, client, address, path }];
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

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

/** The refusals with one status and reason. */
export interface RefusalCount {
  readonly reason: string;
  readonly status: number;
  readonly count: number;
  /** Of them, in the last RECENT ms. */
  readonly recent: number;
  readonly newest: Refusal;
}

/** Refusals of this time, in ms, count as those of now. */
export const RECENT = 600_000;
/** Different reasons of one process; there are some thirty. */
const MOST_REASONS = 64;

/** Silence after the beginning of the stream, in ms: nothing in it says where what is kept ends. */
const QUIET = 400;

/**
 * The refusals that a process keeps, by reason: the beginning of its stream of events, which is closed then. Rejects with
 * LiveFailure.
 */
export async function keptRefusals(place: Place, signal: AbortSignal): Promise<readonly RefusalCount[]> {
  const over = new AbortController();
  const question = { path: "/debug/events", query: { outcome: "refused" } };
  const body = await openStream(place, question, AbortSignal.any([signal, over.signal]));
  const found: Refusal[] = [];
  const lines = new EventLines(
    ({ name, data }) => {
      // What follows what is kept, however much there is of it, has just happened and counts too.
      if (found.length >= DEBUG.refusals) over.abort();
      else if (name === "handshake") found.push(...refusalIn(data));
    },
    () => {},
  );
  const reading = readEvents(body, lines, QUIET, over.signal);
  void sleep(LONGEST, undefined, { signal: over.signal }).then(
    () => over.abort(),
    () => {},
  );
  await reading;
  over.abort();
  return counts(found, Date.now());
}

/** Refusals by status and reason, at most MOST_REASONS. */
export function counts(refusals: readonly Refusal[], now: number): readonly RefusalCount[] {
  const found = new Map<string, RefusalCount>();
  for (const newest of refusals) {
    const { reason, status } = newest;
    const recent = now - Date.parse(newest.at) < RECENT ? 1 : 0;
    add(found, { reason, status, count: 1, recent, newest });
  }
  return [...found.values()].slice(0, MOST_REASONS);
}

/** Adds to the one of the same status and reason. */
export function add<T extends RefusalCount>(found: Map<string, T>, one: T): void {
  const key = `${one.status} ${one.reason}`;
  const before = found.get(key);
  if (before === undefined) return void found.set(key, one);
  const newer = before.newest.at >= one.newest.at ? before : one;
  found.set(key, { ...newer, count: before.count + one.count, recent: before.recent + one.recent });
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

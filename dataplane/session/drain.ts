import type { Clock } from "../../runtime/clock.ts";
import { pause } from "../../runtime/loop/pause.ts";
import type { Session } from "./session.ts";
import type { Termination } from "../rejection.ts";

/** Time between two batches of sessions, in ms: short enough to be even, long enough to be cheap. */
const BATCH = 50;
/** Time between two looks at whether sessions have ended by themselves, in ms. */
const LOOK = 250;

/** How sessions are closed over a time. */
export interface Spreading {
  readonly clock: Clock;
  readonly random: () => number;
  readonly abort: AbortSignal;
  /** Called after each batch. */
  readonly progress?: () => void;
  /** When its turn comes: has it no reason to end any more? */
  readonly stays?: (session: Session) => boolean;
}

/**
 * Closes sessions spread over `period`, in random order and with jitter, so that their clients do not reconnect all at
 * once. Resolves when all have been told to end, have ended by themselves or stay, or on `abort`.
 */
export async function closeSpread(
  sessions: readonly Session[],
  termination: Termination,
  period: number,
  { clock, random, abort, progress, stays }: Spreading,
): Promise<void> {
  const slot = period / Math.max(1, sessions.length);
  const queue = sessions
    .map((session) => ({ session, order: random() }))
    .sort((a, b) => a.order - b.order)
    .map(({ session }, index) => ({ session, due: (index + random()) * slot }));
  const start = clock.now();
  let next = 0;
  while (next < queue.length && !abort.aborted) {
    const elapsed = clock.now() - start;
    for (let entry = queue[next]; entry !== undefined; entry = queue[next]) {
      if (entry.due > elapsed && !entry.session.ending) break;
      if (stays?.(entry.session) !== true) entry.session.terminate(termination);
      next += 1;
    }
    progress?.();
    const due = queue[next]?.due;
    if (due !== undefined) await pause(Math.min(LOOK, Math.max(BATCH, due - elapsed)), clock, abort);
  }
}

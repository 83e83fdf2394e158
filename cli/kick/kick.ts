import { closeAnswer, type CloseAnswer } from "../../api/admin-pages.ts";
import { askAll, type Answers } from "../live/ask-all.ts";
import { ask, type Question } from "../live/ask.ts";
import { LiveFailure } from "../live/live-failure.ts";
import type { Place, Target } from "../live/target.ts";
import { openSessions, type OpenSessions } from "../sessions/open-sessions.ts";

/** Which sessions are to be closed. */
export interface Kicked {
  readonly by: "session" | "client" | "route";
  readonly value: string;
}

/** The sessions that would be closed now. Rejects with LiveFailure. */
export async function sessionsOfKick(
  target: Target,
  { by, value }: Kicked,
  signal: AbortSignal,
): Promise<OpenSessions> {
  if (by !== "session") return openSessions(target, { [by]: value }, signal);
  const found = await openSessions(target, {}, signal);
  return { ...found, sessions: found.sessions.filter(({ id }) => id === value) };
}

const NONE: CloseAnswer = { closed: 0, note: "" };

/** What was closed, of each process that has closed some. */
export interface Closed {
  readonly pods: readonly { readonly pod: string; readonly closed: number }[];
  /** What the processes say of it. */
  readonly note: string | undefined;
  readonly failures: Answers<unknown>["failures"];
}

/** Closes the sessions that were found, and those that have opened since. Rejects with LiveFailure where no process could. */
export async function closeSessions(
  target: Target,
  kicked: Kicked,
  found: OpenSessions,
  reason: string | undefined,
  signal: AbortSignal,
): Promise<Closed> {
  // Only one process knows a session by its id.
  const pods = new Set(found.sessions.map(({ pod }) => pod));
  const each = async (place: Place): Promise<CloseAnswer> => {
    if (kicked.by === "session" && !pods.has(place.name)) return NONE;
    try {
      return await ask(place, questionOf(kicked, reason), closeAnswer, signal);
    } catch (error) {
      if (error instanceof LiveFailure && error.kind === "Absent") return NONE; // it has just ended
      throw error;
    }
  };
  const { answers, failures } = await askAll(target, each, signal);
  const closed = answers.filter(({ value }) => value.closed > 0);
  return {
    pods: closed.map(({ place, value }) => ({ pod: place.name, closed: value.closed })),
    note: closed[0]?.value.note,
    failures,
  };
}

function questionOf({ by, value }: Kicked, reason: string | undefined): Question {
  return by === "session"
    ? { method: "POST", path: `/sessions/${encodeURIComponent(value)}/close`, query: { reason } }
    : { method: "POST", path: "/sessions/close", query: { [by]: value, reason } };
}

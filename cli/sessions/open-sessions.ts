import { PAGE, sessionPage, type SessionPage } from "../../api/admin-pages.ts";
import { askAll, type Answers } from "../live/ask-all.ts";
import { ask } from "../live/ask.ts";
import type { Place, Target } from "../live/target.ts";

/** Which sessions are meant; all of what is named has to hold. */
export interface SessionFilter {
  readonly client?: string | undefined;
  readonly route?: string | undefined;
  readonly address?: string | undefined;
}

export type SessionEntry = SessionPage["sessions"][number];

/** A session, and the process that has it. */
export interface PodSession extends SessionEntry {
  readonly pod: string;
}

/** The open sessions of a gateway. */
export interface OpenSessions {
  readonly sessions: readonly PodSession[];
  /** They are of one process that was named by its URL. */
  readonly single: boolean;
  /** Processes that answered, by name. */
  readonly pods: readonly string[];
  readonly failures: Answers<unknown>["failures"];
  /** There are more than MOST_SESSIONS; those beyond are in no list. */
  readonly more: boolean;
}

/** Sessions that one command reads at most. */
export const MOST_SESSIONS = 100_000;

/** Reads the sessions of all processes, page by page. Rejects with LiveFailure where no process answers. */
export async function openSessions(target: Target, filter: SessionFilter, signal: AbortSignal): Promise<OpenSessions> {
  const budget = { left: MOST_SESSIONS };
  const { answers, failures } = await askAll(target, (place) => sessionsOf(place, filter, budget, signal), signal);
  return {
    sessions: answers.flatMap(({ place, value }) => value.map((session) => ({ ...session, pod: place.name }))),
    pods: answers.map(({ place }) => place.name),
    failures,
    more: budget.left < 0,
    single: target.single,
  };
}

/** All pages of one process. */
async function sessionsOf(
  place: Place,
  filter: SessionFilter,
  budget: { left: number },
  signal: AbortSignal,
): Promise<readonly SessionEntry[]> {
  const found: SessionEntry[] = [];
  let after: string | undefined;
  do {
    const query = { ...filter, limit: PAGE.most, after };
    const page = await ask(place, { path: "/sessions", query }, sessionPage, signal);
    const room = Math.max(0, budget.left);
    budget.left -= page.sessions.length;
    for (const session of page.sessions.slice(0, room)) found.push(session);
    // The keys of pages grow: a process that names an earlier one would be asked for ever.
    after = page.next !== undefined && page.next > (after ?? "") ? page.next : undefined;
  } while (after !== undefined && budget.left > 0);
  if (after !== undefined) budget.left = -1;
  return found;
}

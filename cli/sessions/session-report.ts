import { MOST_SESSIONS, type OpenSessions } from "./open-sessions.ts";
import { sums } from "./session-table.ts";

/** The answer of `-o json`. */
export function jsonOf({ sessions, pods, failures, more }: OpenSessions): object {
  return {
    sessions,
    sums: { sessions: sessions.length, ...sums(sessions) },
    pods,
    failures: failures.map(({ place, failure }) => ({ pod: place.name, message: failure.message })),
    more,
  };
}

/** What is missing in the list, in sentences. */
export function remarks({ failures, more }: Pick<OpenSessions, "failures" | "more">): readonly string[] {
  return [
    ...failures.map(({ failure }) => `sessions are missing here: ${failure.message}`),
    ...(more ? [`there are more than ${MOST_SESSIONS} sessions; narrow them with --client, --route or --address`] : []),
  ];
}

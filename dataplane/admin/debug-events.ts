import { DEBUG } from "../../api/debug.ts";
import { textAnswer, type AdminAnswer, type AdminStream } from "../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../runtime/clock.ts";
import { EventFilter } from "../debug/event-filter.ts";
import type { NamedEvent } from "../debug/event-of.ts";
import type { Watching } from "../debug/watching.ts";
import type { Gateway } from "../gateway.ts";
import { FILTERS, sessionFilter, wrongParameters } from "./session-query.ts";

/** Proxies that the first event names. */
const NAMED = 64;
/** Why there is no further stream. */
export const FULL = `${DEBUG.watchers} streams of events and frames are open already; end one of them, then try again`;

/** The stream of what happens to handshakes and sessions that the query asks for; 400 and 503 with a sentence. */
export function debugEvents(gateway: Gateway, clock: Clock, query: URLSearchParams): AdminAnswer | AdminStream {
  const { watching } = gateway;
  const filter = filterIn(query);
  if (typeof filter === "string") return textAnswer(400, filter);
  if (watching.full) return noStream(watching);
  return {
    contentType: "text/event-stream; charset=utf-8",
    unread: DEBUG.unread,
    slow: () => watching.lose("Slow"),
    open(sink) {
      const leave = watching.watch(filter, beginning(gateway, clock, filter), sink);
      if (leave !== undefined) return leave;
      // Another stream has taken the last place since the answer was made.
      sink.write(`: ${FULL}\n\n`);
      sink.end();
      return () => {};
    },
  };
}

/** The answer to a reader for which there is no place. */
export function noStream(watching: Watching): AdminAnswer {
  watching.lose("Full");
  return textAnswer(503, FULL, { "retry-after": "5" });
}

/** The filter that a query means, or a sentence that says what is wrong with the query. */
function filterIn(query: URLSearchParams): EventFilter | string {
  const wrong = wrongParameters(query, [...FILTERS, "outcome"]);
  if (wrong !== undefined) return wrong;
  const sessions = sessionFilter(query);
  if (typeof sessions === "string") return sessions;
  const outcome = query.get("outcome") ?? undefined;
  return outcome === "" ? "outcome is empty" : new EventFilter({ ...sessions, outcome });
}

/** The event `watching`. */
function beginning({ proxies }: Gateway, clock: Clock, filter: EventFilter): NamedEvent {
  const seen = proxies.filter(({ name }) => filter.passesProxy(name));
  return {
    name: "watching",
    event: {
      at: new Date(clock.wall()).toISOString(),
      proxies: seen.slice(0, NAMED).map(({ name }) => name),
      payload: seen.some(({ snapshot }) => snapshot?.config.dataplane.debug?.payload === "Allowed"),
    },
  };
}

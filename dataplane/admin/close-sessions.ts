import { type CloseAnswer, LONGEST_REASON, LONGEST_TEXT } from "../../api/admin-pages.ts";
import {
  closedEndpoint,
  jsonAnswer,
  textAnswer,
  type AdminAnswer,
  type AdminEndpoints,
} from "../../runtime/admin-port/admin-endpoint.ts";
import { bounded, type Fields } from "../../runtime/log.ts";
import type { Termination } from "../rejection.ts";
import type { ServedProxy } from "../served-proxy.ts";
import type { Session } from "../session/session.ts";
import { FILTERS, isMeant, sessionFilter, wrongParameters } from "./session-query.ts";
import type { SessionWalks } from "./session-walks.ts";

const NOTE =
  "A client may connect again at once. To keep it out, add it to deny of the WebSocketProxy: deny.clients, deny.tokenIds or deny.addresses, in spec.policies or in the policies of its route.";

/** Exactly one of them says which sessions are closed. */
const SUBJECTS = ["client", "route", "address"] as const;

/** The endpoints with which an operator closes sessions: one by its id, or all of a client, a route or an address. */
export function closeEndpoints(walks: SessionWalks): AdminEndpoints {
  return {
    "/sessions/{id}/close": {
      ...closedEndpoint((query, _client, id) => closeOne(walks, id ?? "", query)),
      method: "POST",
    },
    "/sessions/close": { ...closedEndpoint((query) => closeMany(walks, query)), method: "POST" },
  };
}

async function closeOne(walks: SessionWalks, id: string, query: URLSearchParams): Promise<AdminAnswer> {
  const wrong = wrongParameters(query, ["reason"]);
  if (wrong !== undefined) return textAnswer(400, wrong);
  const closed = await closeAll(walks, query, { session: id }, (session) => session.id === id);
  if (closed > 0) return answer(closed);
  return textAnswer(404, "no session of this id is open: it has ended or is ending, or it is in another pod");
}

async function closeMany(walks: SessionWalks, query: URLSearchParams): Promise<AdminAnswer> {
  const wrong = wrongParameters(query, [...FILTERS, "reason"]);
  if (wrong !== undefined) return textAnswer(400, wrong);
  if (SUBJECTS.filter((name) => query.has(name)).length !== 1) {
    return textAnswer(400, "say which sessions are meant by exactly one of client, route and address");
  }
  const filter = sessionFilter(query);
  if (typeof filter === "string") return textAnswer(400, filter);
  const { client, route, address } = filter;
  const meant = (session: Session, proxy: ServedProxy): boolean => isMeant(filter, proxy.name, session);
  return answer(await closeAll(walks, query, { client, route, address }, meant));
}

/**
 * Resolves when all have been told, or have ended meanwhile, with how many there were. Each proxy that has some gets one
 * line in its log, whatever `log.access` says: `subject` is what the person asked for.
 */
async function closeAll(
  walks: SessionWalks,
  query: URLSearchParams,
  subject: Fields,
  meant: (session: Session, proxy: ServedProxy) => boolean,
): Promise<number> {
  const termination = endedByOperator(query.get("reason") ?? "");
  return walks.inLine(async (walk, slices) => {
    const found: [Session, ServedProxy][] = [];
    await walk((session, proxy) => {
      if (!session.ending && meant(session, proxy)) found.push([session, proxy]);
    });
    const closed = new Map<ServedProxy, number>();
    for (const [session, proxy] of found) {
      if (slices.spent) await slices.next();
      if (session.ending) continue; // between two slices
      session.terminate(termination);
      closed.set(proxy, (closed.get(proxy) ?? 0) + 1);
    }
    const { cause } = termination;
    for (const [proxy, count] of closed) proxy.audit("ClosedByOperator", { ...subject, closed: count, cause });
    for (const proxy of closed.keys()) await proxy.told();
    return [...closed.values()].reduce((sum, count) => sum + count, 0);
  });
}

/** What is said of the reason to both ends, and in the log. */
export function endedByOperator(given: string): Termination {
  const plain = bounded(given.trim(), LONGEST_TEXT - 1);
  if (plain === "") return { reason: "EndedByOperator" };
  // A character that does not fit is left out, and not cut in two.
  const { read } = new TextEncoder().encodeInto(plain, new Uint8Array(LONGEST_REASON));
  return { reason: "EndedByOperator", text: plain.slice(0, read), cause: plain };
}

function answer(closed: number): AdminAnswer {
  return jsonAnswer({ closed, note: NOTE } satisfies CloseAnswer);
}

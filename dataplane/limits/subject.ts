import { clientSubject } from "../identity.ts";

/** What a limit counts by before a session is open. */
export type HandshakePer = "Client" | "IP" | "Route" | "Proxy";
/** What a limit counts by once a session is open: `Connection` is the session itself. */
export type SessionPer = HandshakePer | "Connection";

/** All clients share one count: such a limit refuses with 503, one of the client's own with 429. */
export function isShared(per: SessionPer): boolean {
  return per === "Route" || per === "Proxy";
}

/** The subject of a client under a limit; where a limit has one subject only, its name is empty. */
export function subjectOf(per: SessionPer, client: string | undefined, addressSubject: string): string {
  if (per === "Client") return clientSubject(client, addressSubject);
  return per === "IP" ? addressSubject : "";
}

/**
 * Names the bucket of one limit and one subject, the same in every pod. `scope`: the route, or all that share the limit.
 * The subject stands last: a client may have chosen any character of it.
 */
export function bucketName(
  policy: "attempts" | "messages" | "bytes",
  direction: "fromClient" | "fromBackend" | undefined,
  per: HandshakePer,
  scope: string,
  subject: string,
): string {
  return `${policy} ${direction ?? "-"} ${per} ${scope}\n${subject}`;
}

import { oneLine } from "../connect/terminal-text.ts";
import { columns } from "../line/columns.ts";
import { cutToWidth } from "../line/display-width.ts";
import type { OpenSessions, PodSession } from "./open-sessions.ts";
import { age, amountOfBytes, perSecond } from "./figures.ts";

/** How a table of sessions is made. */
export interface TableForm {
  /** With id and subprotocol. */
  readonly wide: boolean;
  /** With the pod of each. */
  readonly pods: boolean;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Messages of a session in a second; absent: the table has no such column. */
  readonly rate?: (session: PodSession) => number | undefined;
}

/** Columns of a terminal that a client's text takes in a table. */
const LONGEST_CELL = 48;

/** Sessions as aligned lines below a heading; texts that clients choose are safe for a terminal. */
export function sessionTable(sessions: readonly PodSession[], { wide, pods, now, rate }: TableForm): string {
  // Only a process of its own serves several proxies.
  const proxies = new Set(sessions.map(({ proxy }) => proxy)).size > 1;
  const heading = [
    ...(rate === undefined ? [] : ["MSGS/S"]),
    ...(proxies ? ["PROXY"] : []),
    ...["CLIENT", "ROUTE", "ADDRESS", ...(pods ? ["POD"] : []), "AGE"],
    ...["MSGS UP", "MSGS DOWN", "BYTES UP", "BYTES DOWN"],
    ...(wide ? ["SUBPROTOCOL", "SESSION"] : []),
  ];
  const rows = sessions.map((session) => [
    ...(rate === undefined ? [] : [perSecond(rate(session))]),
    ...(proxies ? [cell(session.proxy)] : []),
    session.client === undefined ? "-" : cell(session.client),
    cell(session.route),
    cell(session.address),
    ...(pods ? [cell(session.pod)] : []),
    age(session.since, now),
    String(session.messages.fromClient),
    String(session.messages.fromBackend),
    amountOfBytes(session.bytes.fromClient),
    amountOfBytes(session.bytes.fromBackend),
    ...(wide ? [session.subprotocol === undefined ? "-" : cell(session.subprotocol), cell(session.id)] : []),
  ]);
  return columns([heading, ...rows]);
}

/** The sums of all sessions, in one line without its end. */
export function sumLine({ sessions, pods, more, single }: OpenSessions): string {
  const { messages, bytes } = sums(sessions);
  const where = single ? "" : ` on ${counted(pods.length, "pod")}`;
  const many = `${more ? "the first " : ""}${counted(sessions.length, "session")}${where}`;
  const way = (name: string, count: number, size: number): string =>
    `${name} ${counted(count, "message")} with ${amountOfBytes(size)}`;
  return `${many}; ${way("up", messages.fromClient, bytes.fromClient)}, ${way("down", messages.fromBackend, bytes.fromBackend)}`;
}

export function sums(sessions: readonly PodSession[]): Pick<PodSession, "messages" | "bytes"> {
  const messages = { fromClient: 0, fromBackend: 0 };
  const bytes = { fromClient: 0, fromBackend: 0 };
  for (const session of sessions) {
    messages.fromClient += session.messages.fromClient;
    messages.fromBackend += session.messages.fromBackend;
    bytes.fromClient += session.bytes.fromClient;
    bytes.fromBackend += session.bytes.fromBackend;
  }
  return { messages, bytes };
}

export function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}

/** A text that a client may have chosen. An empty one would look like a missing column. */
function cell(text: string): string {
  const safe = oneLine(text.slice(0, 4 * LONGEST_CELL));
  const start = cutToWidth(safe, LONGEST_CELL);
  const cut = start === safe ? safe : `${cutToWidth(safe, LONGEST_CELL - 1)}…`;
  return cut.trim() === "" ? JSON.stringify(cut) : cut;
}

import { createInterface } from "node:readline/promises";
import { oneLine } from "../connect/terminal-text.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { runLive } from "../live/run-live.ts";
import { openTarget } from "../live/open-target.ts";
import type { TypedTarget } from "../live/target-options.ts";
import type { Target } from "../live/target.ts";
import type { OpenSessions } from "../sessions/open-sessions.ts";
import { remarks } from "../sessions/session-report.ts";
import { counted } from "../sessions/session-table.ts";
import { closeSessions, sessionsOfKick, type Closed, type Kicked } from "./kick.ts";

export interface KickOptions {
  readonly kicked: Kicked;
  readonly reason: string | undefined;
  /** Add the client to deny.clients, too. */
  readonly deny: boolean;
  /** Do not ask. */
  readonly yes: boolean;
}

/** Pods that are named in one line. */
const MOST_NAMED = 5;

/** Says what it would close, asks, closes, and says what was closed. Resolves with the exit code. */
export function kickSessions(typed: TypedTarget, options: KickOptions, io: CommandIO): Promise<number> {
  // Checked first: nothing is opened for a question that cannot be asked.
  if (!options.yes && !(isTerminal(io.stdin) && isTerminal(io.err))) {
    io.err.write("wsproxy kick: there is no terminal to ask on; add --yes\n");
    return Promise.resolve(EXIT.usage);
  }
  const work = async (signal: AbortSignal): Promise<number> => {
    const target = await openTarget(typed, signal);
    try {
      return await kickOn(target, options, io, signal);
    } finally {
      target.close();
    }
  };
  return runLive("kick", io, work, EXIT.negative);
}

async function kickOn(
  target: Target,
  { kicked, reason, deny, yes }: KickOptions,
  io: CommandIO,
  signal: AbortSignal,
): Promise<number> {
  const note = (text: string): void => void io.err.write(`wsproxy kick: ${text}\n`);
  const whose = wordsOf(kicked);
  const found = await sessionsOfKick(target, kicked, signal);
  for (const line of remarks(found)) note(line);
  const { length } = found.sessions;
  if (length === 0 && !deny) {
    if (kicked.by !== "session") note(`no ${whose} is open`);
    else note(found.more ? `${whose} is not among those that were read; close it by --client` : `${whose} is not open`);
    return found.failures[0]?.failure.exit ?? EXIT.negative;
  }
  const what = `${sessionsInWords(kicked, found)}${deny ? ", and refuse the client from now on" : ""}`;
  if (!yes && !(await confirmed(`close ${what}? [y/N] `, io, signal))) {
    note("nothing was closed");
    return EXIT.negative;
  }
  if (yes) io.err.write(`closing ${what}\n`);
  if (deny) {
    const { denyClient, isCluster } = await import("./deny-client.ts");
    // Before the sessions end, so that the client does not come back in between.
    if (isCluster(target)) io.out.write(`${await denyClient(target, kicked.value, signal)}\n`);
  }
  const closed = length === 0 ? undefined : await closeSessions(target, kicked, found, reason, signal);
  if (closed !== undefined) report(closed, { deny, single: target.single }, io);
  for (const { failure } of closed?.failures ?? []) note(`its sessions were not closed: ${failure.message}`);
  const failure = (closed?.failures[0] ?? found.failures[0])?.failure;
  if (failure !== undefined) return failure.exit;
  return closed?.pods.length === 0 && !deny ? EXIT.negative : EXIT.ok;
}

function report(
  { pods, note }: Closed,
  { deny, single }: { readonly deny: boolean; readonly single: boolean },
  { out }: CommandIO,
): void {
  const sum = pods.reduce((all, { closed }) => all + closed, 0);
  const ofPods = single ? "" : `: ${named(pods.map(({ pod, closed }) => [pod, closed]))}`;
  const where = sum === 0 ? "; what was found has ended meanwhile" : ofPods;
  out.write(`closed ${counted(sum, "session")}${where}\n`);
  if (note !== undefined && note !== "" && !deny) out.write(`${oneLine(note)}\n`);
}

/** `3 sessions of the client alice on 2 pods (chat-a: 2, chat-b: 1)`. */
function sessionsInWords(kicked: Kicked, { sessions, more, single }: OpenSessions): string {
  const pods = new Map<string, number>();
  for (const { pod } of sessions) pods.set(pod, (pods.get(pod) ?? 0) + 1);
  const where = pods.size === 0 || single ? "" : ` on ${counted(pods.size, "pod")} (${named([...pods])})`;
  if (kicked.by === "session") return `${wordsOf(kicked)}${where}`;
  return `${more ? "more than " : ""}${counted(sessions.length, "session")} of the ${kicked.by} ${quotedLine(kicked.value)}${where}`;
}

function named(pods: readonly (readonly [string, number])[]): string {
  const first = pods.slice(0, MOST_NAMED).map(([pod, count]) => `${pod}: ${count}`);
  return pods.length > MOST_NAMED ? `${first.join(", ")}, and ${pods.length - MOST_NAMED} more` : first.join(", ");
}

function wordsOf({ by, value }: Kicked): string {
  return by === "session" ? `the session ${quotedLine(value)}` : `session of the ${by} ${quotedLine(value)}`;
}

/** What was typed may have been copied from a place that a client chose. */
function quotedLine(text: string): string {
  return oneLine(text).slice(0, 256);
}

/** A stream of a pipe has no such field at all. */
function isTerminal(stream: object): boolean {
  return (stream as { readonly isTTY?: boolean }).isTTY === true;
}

/** Asks on the terminal; the end of the input, and every answer but y or yes, is a no. */
async function confirmed(question: string, io: CommandIO, signal: AbortSignal): Promise<boolean> {
  const lines = createInterface({ input: io.stdin, output: io.err, terminal: false });
  try {
    const ended = new Promise<string>((resolve) => lines.once("close", () => resolve("")));
    const answer = await Promise.race([lines.question(question, { signal }), ended]);
    return /^\s*y(es)?\s*$/i.test(answer);
  } finally {
    lines.close();
  }
}

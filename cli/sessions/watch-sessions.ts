import { setTimeout as sleep } from "node:timers/promises";
import { printableJson } from "../connect/terminal-text.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { failureIn, type LiveFailure } from "../live/live-failure.ts";
import { screenFor } from "../live/screen.ts";
import type { Target } from "../live/target.ts";
import { openSessions, type OpenSessions, type SessionFilter } from "./open-sessions.ts";
import { Rates } from "./rates.ts";
import { jsonOf, remarks } from "./session-report.ts";
import { sessionTable, sumLine } from "./session-table.ts";

/** Time between two looks, in ms. */
export const REFRESH = 2000;
/** Sessions of a table that is shown again and again: those with the highest rates. */
const MOST_ROWS = 500;

export interface WatchOptions {
  readonly filter: SessionFilter;
  readonly output: "table" | "wide" | "json";
}

/**
 * Shows the open sessions again and again until `signal` aborts, those with the most messages in a second first; with `json`
 * one line each time. A failure after the first look is shown, and the next look tries again.
 */
export async function watchSessions(
  target: Target,
  { filter, output }: WatchOptions,
  io: Pick<CommandIO, "out">,
  signal: AbortSignal,
): Promise<number> {
  const rates = new Rates();
  let found = await openSessions(target, filter, signal);
  let failure: LiveFailure | undefined;
  const screen = output === "json" ? undefined : screenFor(io.out);
  try {
    while (!signal.aborted) {
      if (failure === undefined) rates.take(found.sessions, performance.now());
      if (screen === undefined) {
        const line = failure === undefined ? jsonOf(found) : { message: failure.message };
        io.out.write(`${printableJson(line)}\n`);
      } else screen.show(headOf(target, found, failure), failure === undefined ? tableOf(found, rates, output) : "");
      await sleep(REFRESH, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      try {
        found = await openSessions(target, filter, signal);
        failure = undefined;
      } catch (error) {
        failure = failureIn(error);
      }
    }
    return EXIT.ok;
  } finally {
    screen?.close();
  }
}

function headOf(target: Target, found: OpenSessions, failure: LiveFailure | undefined): string {
  const time = new Date().toTimeString().slice(0, 8);
  if (failure !== undefined) return `${time}  ${target.title}\n${failure.message}\n`;
  return [`${time}  ${target.title}  ${sumLine(found)}`, ...remarks(found)].map((line) => `${line}\n`).join("");
}

function tableOf({ sessions, single }: OpenSessions, rates: Rates, output: WatchOptions["output"]): string {
  if (sessions.length === 0) return "";
  const form = { wide: output === "wide", pods: !single, now: Date.now(), rate: rates.of };
  return sessionTable(rates.sorted(sessions).slice(0, MOST_ROWS), form);
}

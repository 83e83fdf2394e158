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
/** Bytes that may wait for a slow reader of standard output; looks beyond are not printed. */
const MOST_WAITING = 4 * 1024 * 1024;

export interface WatchOptions {
  readonly filter: SessionFilter;
  readonly output: "table" | "wide" | "json";
}

/**
 * Shows the open sessions again and again until `stop` aborts or nothing reads standard output any more, those with the most messages in a second first; with `json`
 * one line each time. A failure after the first look is shown, and the next look tries again.
 */
export async function watchSessions(
  target: Target,
  { filter, output }: WatchOptions,
  { out }: Pick<CommandIO, "out">,
  stop: AbortSignal,
): Promise<number> {
  const rates = new Rates();
  const gone = new AbortController();
  const lost = (): void => gone.abort();
  for (const event of ["error", "close"]) out.once(event, lost);
  const signal = AbortSignal.any([stop, gone.signal]);
  let found = await openSessions(target, filter, stop);
  let failure: LiveFailure | undefined;
  const screen = output === "json" ? undefined : screenFor(out, process.env);
  try {
    while (!signal.aborted) {
      if (failure === undefined) rates.take(found.sessions, performance.now());
      const { writableLength = 0 } = out as { readonly writableLength?: number };
      if (writableLength > MOST_WAITING) {
        // The next look is printed, once this one is read.
      } else if (screen === undefined) {
        const line = failure === undefined ? jsonOf(found) : { message: failure.message };
        out.write(`${printableJson(line)}\n`);
      } else screen.show(headOf(target, found, failure), failure === undefined ? tableOf(found, rates, output) : "");
      await sleep(REFRESH, undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      try {
        found = await openSessions(target, filter, signal);
        failure = undefined;
      } catch (error) {
        if (!signal.aborted) failure = failureIn(error);
      }
    }
    return EXIT.ok;
  } finally {
    screen?.close();
    for (const event of ["error", "close"]) out.off(event, lost);
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

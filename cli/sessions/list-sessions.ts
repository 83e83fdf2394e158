import { printableJson } from "../connect/terminal-text.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import { openTarget } from "../live/open-target.ts";
import { runLive } from "../live/run-live.ts";
import type { TypedTarget } from "../live/target-options.ts";
import { openSessions, type SessionFilter } from "./open-sessions.ts";
import { jsonOf, remarks } from "./session-report.ts";
import { sessionTable, sumLine } from "./session-table.ts";
import { watchSessions } from "./watch-sessions.ts";

export interface ListOptions {
  readonly filter: SessionFilter;
  readonly output: "table" | "wide" | "json";
  readonly watch: boolean;
}

/** Prints the open sessions of a gateway, once or again and again. Resolves with the exit code. */
export function listSessions(typed: TypedTarget, options: ListOptions, io: CommandIO): Promise<number> {
  return runLive("sessions", io, async (signal) => {
    const target = await openTarget(typed, signal);
    try {
      if (options.watch) return await watchSessions(target, options, io, signal);
      const { filter, output } = options;
      const found = await openSessions(target, filter, signal);
      if (output === "json") io.out.write(`${printableJson(jsonOf(found), 2)}\n`);
      else {
        const form = { wide: output === "wide", pods: !found.single, now: Date.now() };
        const table = found.sessions.length === 0 ? "" : sessionTable(found.sessions, form);
        io.out.write(`${table}${sumLine(found)}\n`);
      }
      for (const line of remarks(found)) io.err.write(`wsproxy sessions: ${line}\n`);
      return found.failures[0]?.failure.exit ?? EXIT.ok;
    } finally {
      target.close();
    }
  });
}

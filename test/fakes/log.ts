import type { Fields, Log } from "../../runtime/log.ts";

const nothing = (): void => {};

/** A log that drops every line. */
export const silentLog: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export interface RecordedLine {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: Fields;
}

/** A log that keeps every line. */
export function recordingLog(): Log & { readonly lines: RecordedLine[] } {
  const lines: RecordedLine[] = [];
  const line =
    (level: RecordedLine["level"]) =>
    (fields: Fields, message: string): void =>
      void lines.push({ level, message, fields });
  return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error"), lines };
}

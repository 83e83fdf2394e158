/** What happens to faults that nobody caught. */
export interface Faults {
  /** Tells about the fault; the process ends when it has resolved, and at the latest after a second. */
  report: (fault: unknown) => Promise<void> | void;
}

/** Ends the process at the first fault that nobody caught: what it left half done is not known, so it does not go on. */
export function exitOnFault(faults: Faults, code: number): void {
  let ending = false;
  const ended = (fault: unknown): void => {
    if (ending) return; // faults of the report itself change nothing
    ending = true;
    setTimeout(() => process.exit(code), 1000);
    void (async () => faults.report(fault))().finally(() => process.exit(code));
  };
  process.on("uncaughtException", ended);
  process.on("unhandledRejection", ended);
}

/** A fault as text, with its causes. */
export function faultText(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  const cause = fault.cause === undefined ? "" : `\ncaused by ${faultText(fault.cause)}`;
  return `${fault.stack ?? fault.message}${cause}`;
}

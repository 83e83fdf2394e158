/** What happens at an uncaught fault. */
export interface Faults {
  /** Reports the fault. The process ends when the report has resolved, and after one second at the latest. */
  report: (fault: unknown) => Promise<void> | void;
}

/** Ends the process with this exit code at the first uncaught fault: its state may be inconsistent. */
export function exitOnFault(faults: Faults, code: number): void {
  let ending = false;
  const ended = (fault: unknown): void => {
    if (ending) return; // a fault of the report itself changes nothing
    ending = true;
    setTimeout(() => process.exit(code), 1000);
    void (async () => faults.report(fault))().finally(() => process.exit(code));
  };
  process.on("uncaughtException", ended);
  process.on("unhandledRejection", ended);
}

/** A fault as text: its stack, and those of its causes. */
export function faultText(fault: unknown): string {
  if (!(fault instanceof Error)) return String(fault);
  const cause = fault.cause === undefined ? "" : `\ncaused by ${faultText(fault.cause)}`;
  return `${fault.stack ?? fault.message}${cause}`;
}

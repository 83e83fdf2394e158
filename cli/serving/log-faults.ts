import { faultText } from "../../runtime/faults.ts";
import type { ProcessLog } from "../../runtime/log.ts";
import type { CommandIO } from "../line/command.ts";

/** From now on an uncaught fault is logged, too, before the process ends: after what the command line says of it. */
export function logFaults({ faults }: Pick<CommandIO, "faults">, log: Pick<ProcessLog, "error" | "flush">): void {
  const report = faults.report;
  faults.report = async (fault) => {
    await report(fault);
    log.error({ fault: faultText(fault) }, "fault");
    await log.flush();
  };
}

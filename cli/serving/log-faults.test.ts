import { expect, test } from "vitest";
import type { Faults } from "../../runtime/faults.ts";
import type { ProcessLog } from "../../runtime/log.ts";
import { logFaults } from "./log-faults.ts";

test("a fault is reported, then logged, and the log is written before the process ends", async () => {
  const steps: string[] = [];
  const faults: Faults = { report: () => void steps.push("reported") };
  const log: Pick<ProcessLog, "error" | "flush"> = {
    error: (fields, message) => void steps.push(`${message}: ${JSON.stringify(fields)}`),
    flush: () => Promise.resolve(void steps.push("written")),
  };
  logFaults({ faults }, log);
  await faults.report("a text that was thrown");
  expect(steps).toEqual(["reported", 'fault: {"fault":"a text that was thrown"}', "written"]);
});

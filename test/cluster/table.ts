import { inspect } from "node:util";
import { seconds } from "./report.ts";
import type { Outcome } from "./run-scenario.ts";

/** One row for each scenario, its figures below it. */
export function table(outcomes: readonly Outcome[]): string {
  const width = Math.max(...outcomes.map(({ name }) => name.length));
  const rows = outcomes.flatMap((outcome) => {
    const { name, ms, report } = outcome;
    const { passed, failed } = countOf(outcome);
    const result = failed > 0 ? "FAILED" : "passed";
    const row = `${name.padEnd(width)}  ${result}  ${seconds(ms).padStart(8)}  ${String(passed + failed).padStart(3)} steps`;
    const figures = report.figures.map(({ what, value }) => `${" ".repeat(width)}    ${what}: ${value}`);
    return [row, ...figures];
  });
  return rows.join("\n");
}

/** How many characters of an error a run repeats at its end. */
const TOLD = 1_500;

/** What failed, and why: for the end of a long output, where it is read first. Without failures, nothing. */
export function failures(outcomes: readonly Outcome[]): string {
  const told = outcomes.flatMap(({ name, report, failure }) => {
    const steps = report.steps.filter(({ error }) => error !== undefined);
    const outside = failure !== undefined && !steps.some(({ error }) => error === failure);
    return [
      ...steps.map(({ title, error }) => `FAILED ${name}: ${title}\n${errorText(error)}`),
      ...(outside ? [`FAILED ${name}\n${errorText(failure)}`] : []),
    ];
  });
  return told.join("\n\n");
}

function errorText(error: unknown): string {
  const text = inspect(error);
  return text.length > TOLD ? `${text.slice(0, TOLD)}… (${text.length - TOLD} characters more, above)` : text;
}

/** Every step counts as a test; what failed outside of one counts, too. */
export function closingLine(outcomes: readonly Outcome[]): { readonly line: string; readonly failed: boolean } {
  const counts = outcomes.map(countOf);
  const sum = (key: "passed" | "failed"): number => counts.reduce((total, count) => total + count[key], 0);
  return { line: `${sum("passed")} passed, ${sum("failed")} failed, 0 skipped`, failed: sum("failed") > 0 };
}

function countOf({ report, failure }: Outcome): { passed: number; failed: number } {
  const broken = report.steps.filter(({ error }) => error !== undefined).length;
  return {
    passed: report.steps.length - broken,
    failed: Math.max(broken, failure === undefined ? 0 : 1),
  };
}

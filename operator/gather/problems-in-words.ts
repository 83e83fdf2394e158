import type { Problem } from "../../api/problem.ts";
import { shortened } from "../shortened.ts";

/** Problems of one object that its words tell, and characters of them: a status has little room. */
const MOST_TOLD = 3;
const LONGEST_TOLD = 300;

/** The first problems of one object as a bounded text, with the number of the others; undefined: there are none. */
export function problemsInWords(problems: readonly Problem[]): string | undefined {
  if (problems.length === 0) return undefined;
  const told = problems
    .slice(0, MOST_TOLD)
    .map(({ at, message }) => (at === "" ? message : `${at}: ${message}`))
    .join("; ");
  const others = problems.length - MOST_TOLD;
  return `${shortened(told, LONGEST_TOLD)}${others > 0 ? ` and ${others} more` : ""}`;
}

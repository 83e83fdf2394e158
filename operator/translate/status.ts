import { CONDITION_REASONS, type Condition, type ReasonOf } from "../../api/conditions.ts";
import type { LocatedProblem } from "./translation.ts";

type Type = "Accepted" | "ResolvedRefs";

/** Longest message of a condition: what people still read, far below what Kubernetes takes. */
const LONGEST = 1024;

/** A condition that holds: in the words of its reason, and what else there is to know. */
export function holds<T extends Type>(
  type: T,
  reason: ReasonOf<T>,
  generation: number,
  more: string | readonly LocatedProblem[] = [],
): Condition<T> {
  const lines = typeof more === "string" ? [more] : more.map(line);
  const words = wordsOf(type, reason);
  return condition(type, "True", reason, lines.length === 0 ? words : bounded(`${words} `, lines, ""), generation);
}

/** A condition that does not hold, with the mistakes that it does not for. */
export function fails<T extends Type>(
  type: T,
  reason: ReasonOf<T>,
  problems: readonly LocatedProblem[],
  generation: number,
  after = "",
): Condition<T> {
  return condition(type, "False", reason, bounded("", problems.map(line), after), generation);
}

/** Nothing can be said. */
export function unknown<T extends Type>(type: T, reason: ReasonOf<T>, generation: number): Condition<T> {
  return condition(type, "Unknown", reason, wordsOf(type, reason), generation);
}

/** Each mistake once, in the order in which they were found. */
export function distinct<P extends LocatedProblem>(problems: readonly P[]): P[] {
  // A thousand routes share the problems of what they share.
  const each = [...new Set(problems)];
  return [...new Map(each.map((it) => [JSON.stringify([it.object, it.at, it.reason, it.message]), it])).values()];
}

/** Mistakes in other objects than the proxy itself say in which. */
function line({ object, at, message }: LocatedProblem): string {
  const place = object.startsWith("WebSocketProxy ") ? at : `${object} ${at}`;
  return `${place}: ${message}`;
}

/** As many lines as there is room for, and how many more there are. */
export function bounded(before: string, lines: readonly string[], after: string): string {
  const room = LONGEST - before.length - after.length - " and 1000000 more".length;
  let text = "";
  for (const [index, next] of lines.entries()) {
    const joined = text === "" ? next : `${text}; ${next}`;
    if (joined.length > room) {
      const shown = text === "" ? `${next.slice(0, room - 1).toWellFormed()}…` : text;
      const left = lines.length - (text === "" ? 1 : index);
      return `${before}${shown}${left === 0 ? "" : ` and ${left} more`}${after}`;
    }
    text = joined;
  }
  return `${before}${text}${after}`;
}

function condition<T extends Type>(
  type: T,
  status: Condition["status"],
  reason: ReasonOf<T>,
  message: string,
  observedGeneration: number,
): Condition<T> {
  return { type, status, reason, message, observedGeneration };
}

function wordsOf<T extends Type>(type: T, reason: ReasonOf<T>): string {
  return (CONDITION_REASONS[type] as Readonly<Record<string, string>>)[reason] ?? "";
}

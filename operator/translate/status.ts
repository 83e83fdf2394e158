import { CONDITION_REASONS, type Condition, type ReasonOf } from "../../api/conditions.ts";
import type { LocatedProblem } from "./translation.ts";

type Type = "Accepted" | "ResolvedRefs";

/** Longest message of a condition, in characters: a person still reads it, and Kubernetes takes far more. */
export const LONGEST_MESSAGE = 1024;

/** End of the message of a proxy's `Programmed`, if the proxy is still served with an earlier config. */
export const KEPT_CONFIG = "The last good config stays in force.";

/** A condition that is True: its message is the words of its reason, `more`, and behind problems `after`. */
export function holds<T extends Type>(
  type: T,
  reason: ReasonOf<T>,
  generation: number,
  more: string | readonly LocatedProblem[] = [],
  after = "",
): Condition<T> {
  const lines = typeof more === "string" ? [more] : more.map(line);
  const words = wordsOf(type, reason);
  return condition(type, "True", reason, lines.length === 0 ? words : bounded(`${words} `, lines, after), generation);
}

/** A condition that is False because of these problems; its message ends with `after`. */
export function fails<T extends Type>(
  type: T,
  reason: ReasonOf<T>,
  problems: readonly LocatedProblem[],
  generation: number,
  after = "",
): Condition<T> {
  return condition(type, "False", reason, bounded("", problems.map(line), after), generation);
}

/** A condition that is Unknown. */
export function unknown<T extends Type>(type: T, reason: ReasonOf<T>, generation: number): Condition<T> {
  return condition(type, "Unknown", reason, wordsOf(type, reason), generation);
}

/** Each problem once, in their order. */
export function distinct<P extends LocatedProblem>(problems: readonly P[]): P[] {
  // By identity first, which is cheap: a thousand routes may share the problems of one object.
  const each = [...new Set(problems)];
  return [...new Map(each.map((it) => [JSON.stringify([it.object, it.at, it.reason, it.message]), it])).values()];
}

/** One problem in words; where it is not in the proxy itself, they name the object. */
function line({ object, at, message }: LocatedProblem): string {
  const where = object.startsWith("WebSocketProxy ") ? at : `${object} ${at}`;
  return `${where}: ${message}`;
}

/** A message of at most LONGEST_MESSAGE characters: as many lines as fit, and the number of the others. */
export function bounded(before: string, lines: readonly string[], after: string): string {
  const room = LONGEST_MESSAGE - before.length - after.length - " and 1000000 more".length;
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

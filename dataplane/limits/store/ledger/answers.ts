import { Unavailable } from "../link.ts";
import type { TakeAnswer } from "../../shared-limits.ts";

/** What the store says to a handshake: an answer, or that the pod must join first. */
export function takeAnswer(answer: unknown, lines: number): TakeAnswer | "unknown" {
  if (!Array.isArray(answer) || !answer.every((part) => Number.isSafeInteger(part))) throw strange();
  const [code, ...rest] = answer as readonly number[];
  const isLine = (line: number | undefined): line is number => line !== undefined && line >= 0 && line < lines;
  if (code === 1 && rest.every(isLine)) return { kind: "in", exceeded: rest };
  const [line, wait = -1] = rest;
  if (code === 0 && isLine(line) && wait >= 0) return { kind: "refused", line, wait };
  if (code === -1) return "unknown";
  if (code === -2) throw new Unavailable("it does not know all pods yet");
  if (code === -3) throw new Unavailable("one of its keys is no bucket");
  throw strange();
}

/** Of the scripts that write counts: did the store know the id? */
export function wasKnown(answer: unknown): boolean {
  if (answer !== 0 && answer !== 1) throw strange();
  return answer === 1;
}

/** How long the store has known the pods, in ms; undefined: it does not know the id. */
export function ageOf(answer: unknown): number | undefined {
  if (typeof answer !== "number" || !Number.isFinite(answer)) throw strange();
  return answer < 0 ? undefined : answer;
}

function strange(): Unavailable {
  return new Unavailable("it answered what is no answer to a script of ours");
}

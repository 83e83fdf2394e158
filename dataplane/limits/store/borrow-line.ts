import type { BucketShape } from "../token-bucket.ts";
import { BORROW_ANSWERS } from "./scripts/borrow.ts";

/** What one pocket asks of its bucket in the store. */
export interface BorrowLine {
  readonly key: string;
  readonly shape: BucketShape;
  /** Names the pocket among those of the process. */
  readonly holder: string;
  /** When it was asked, on the monotonic clock. */
  readonly at: number;
  /** The last call whose answer the pocket got. */
  readonly seen: number;
  /** Tokens that the pocket has; what else it held is spent. */
  readonly holds: number;
  /** Those of them that are lent. */
  readonly lent: number;
  readonly back: number;
  /** Spent as soon as granted: all, or at least `least`, or nothing. */
  readonly need: number;
  readonly least: number;
  /** Held, for messages that are still to come. */
  readonly ahead: number;
}

/** What the store said. */
export interface Borrowed {
  readonly granted: number;
  /** The bucket has run empty: ms until there are `least` tokens, or one if all of `need` was granted; else 0. */
  readonly wait: number;
  /** How much of `holds` the pocket may keep. */
  readonly kept: number;
}

/** The arguments of one call. One text for all lines: a client library takes longer for an argument than the store for its words. */
export function argumentsOf(id: string, call: number, lines: readonly BorrowLine[]): string[] {
  return [id, String(call), lines.map(textOf).join("\n")];
}

function textOf({ shape, holder, seen, holds, back, least, need, ahead }: BorrowLine): string {
  return `${shape.limit} ${shape.interval} ${shape.burst} ${holder} ${seen} ${holds} ${back} ${least} ${need} ${ahead}`;
}

/** The answer for each line; undefined: the store has no bucket under the line's key. */
export function answersOf(answer: unknown, count: number): (Borrowed | undefined)[] {
  const numbers = typeof answer === "string" ? answer.split(" ").map(Number) : [];
  const all: (Borrowed | undefined)[] = [];
  for (let at = 0; at < BORROW_ANSWERS * count; at += BORROW_ANSWERS) {
    const [granted = -1, wait = Number.NaN, kept = Number.NaN] = numbers.slice(at, at + BORROW_ANSWERS);
    all.push(granted >= 0 && wait >= 0 && kept >= 0 ? { granted, wait: wait / 1000, kept } : undefined);
  }
  return all;
}

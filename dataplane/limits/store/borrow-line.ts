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

/** The arguments of one call. */
export function argumentsOf(id: string, call: number, lines: readonly BorrowLine[]): (string | number)[] {
  const all: (string | number)[] = [id, call];
  for (const { shape, holder, seen, holds, back, least, need, ahead } of lines) {
    const { limit, interval, burst } = shape;
    // One text: a client library takes longer for ten arguments than the store for the words of one.
    all.push(`${limit} ${interval} ${burst} ${holder} ${seen} ${holds} ${back} ${least} ${need} ${ahead}`);
  }
  return all;
}

/** The answer for each line; undefined: the store has no bucket under the line's key. */
export function answersOf(answer: unknown, count: number): (Borrowed | undefined)[] {
  const numbers: readonly unknown[] = Array.isArray(answer) ? answer : [];
  const all: (Borrowed | undefined)[] = [];
  for (let at = 0; at < BORROW_ANSWERS * count; at += BORROW_ANSWERS) {
    const [granted, wait, kept] = [numbers[at], numbers[at + 1], numbers[at + 2]];
    const whole = typeof granted === "number" && typeof wait === "number" && typeof kept === "number";
    all.push(whole && granted >= 0 ? { granted, wait: wait / 1000, kept } : undefined);
  }
  return all;
}

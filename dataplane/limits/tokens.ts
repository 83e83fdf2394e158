import type { Timer } from "../../runtime/clock.ts";

/**
 * Tokens that the messages of sessions use up: of a bucket of this process, or of one that all pods share. Times are
 * monotonic, in ms.
 */
export interface Tokens {
  /** It may be that the store has to be asked. */
  readonly asks: boolean;
  /** Tokens that are here now; negative while a debt is being paid. */
  available(now: number): number;
  /** Takes `n` tokens, or none if there are fewer. */
  take(n: number, now: number): boolean;
  /** Takes `n` tokens even if there are fewer: the debt is paid before `take` succeeds again. */
  force(n: number, now: number): void;
  /** Milliseconds until there are `n` tokens; for more than the burst, until the bucket is full. */
  wait(n: number, now: number): number;
  /** Milliseconds until a flow that waits for `n` tokens tries again: each that asks has a turn of its own. */
  turn(n: number, now: number): number;
  /** How many of `n` must be here before any is used; 0: none, `force` may leave a debt that is paid later. */
  least(n: number, now: number): number;
  /** There are fewer than `n` here, and the store has not said yet whether it has more: ask before a verdict falls. */
  unknown(n: number, now: number): boolean;
  /** Asks the store for `n`. `answered` is called once, in a later turn; the store may have said no, or nothing. */
  ask(n: number, now: number, answered: () => void): Timer;
  /** Takes `n` tokens without holding anything up; calls `short`, at once or later, if there were fewer. */
  spend(n: number, now: number, short: () => void): void;
}

import type { Clock } from "../../runtime/clock.ts";

interface Account {
  /** Milliseconds of work that the key may still take. */
  readonly credit: number;
  /** When it was so. */
  readonly at: number;
  /** Passes in debt without a rest. */
  readonly streak: number;
}

/** Milliseconds of work that a key has to begin with, and the share of time that it gets. */
const CREDIT = 2000;
const SHARE = 0.1;
/** What a pass takes beside its computing: calls, and what they bring about; ms. */
const PASS = 25;
/** After this time without a pass a key is as new; ms. */
const REST = 10_000;
/** A key that changes all the time pays up to so many times as much, after so many passes. */
const DEAREST = 4;
const GROWS = 100;
const LONGEST_WAIT = 10_000;
/** Accounts beyond which those that are full are dropped. */
const TIDY = 1024;

/**
 * How soon a key may be worked on again. Each pass is paid for; a key that changes now and then never waits, one that
 * changes all the time waits ever longer, and the longer the more work it makes.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds of work that a key may still take; below zero it waits. */
  credit(key: string): number {
    return this.#account(key).credit;
  }

  /** Milliseconds until the next pass of a key may begin. */
  wait(key: string): number {
    return Math.max(0, -this.#account(key).credit / SHARE);
  }

  /** A pass of a key has ended that computed for so many ms. */
  spend(key: string, computed: number): void {
    const { credit, at, streak } = this.#account(key);
    const left = credit - (PASS + computed) * Math.min(DEAREST, 1 + streak / GROWS);
    this.#accounts.set(key, { credit: Math.max(left, -LONGEST_WAIT * SHARE), at, streak: streak + (left < 0 ? 1 : 0) });
    if (this.#accounts.size > TIDY) this.#tidy();
  }

  /** As it is now. */
  #account(key: string): Account {
    const now = this.#clock.now();
    const { credit = CREDIT, at = now, streak = 0 } = this.#accounts.get(key) ?? {};
    const passed = now - at;
    return { credit: Math.min(CREDIT, credit + passed * SHARE), at: now, streak: passed >= REST ? 0 : streak };
  }

  #tidy(): void {
    const now = this.#clock.now();
    for (const [key, { at }] of this.#accounts)
      if (now - at >= LONGEST_WAIT + CREDIT / SHARE) this.#accounts.delete(key);
  }
}

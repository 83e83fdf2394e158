import type { Clock } from "../../runtime/clock.ts";

interface Account {
  /** Milliseconds of work that the key may still do; below zero it waits. */
  readonly credit: number;
  /** When `credit` was right. */
  readonly at: number;
  /** Passes that ended with a credit below zero, since the last rest. */
  readonly streak: number;
}

/** Credit of a new key, which is also the most; ms. It grows by this share of the time that passes. */
const CREDIT = 2000;
const SHARE = 0.1;
/** What a pass costs beside its computing: its calls to the API server, and the events that they cause; ms. */
const PASS = 25;
/** After this time without a pass the streak of a key is over; ms. */
const REST = 10_000;
/** The price of a pass grows with the streak, by one for each GROWS passes, up to DEAREST times as much. */
const DEAREST = 4;
const GROWS = 100;
/** ms. */
const LONGEST_WAIT = 10_000;
/** With more accounts than this, those that are full are dropped. */
const TIDY = 1024;

/**
 * Says how soon the next pass of a key may begin. Each pass costs credit, which grows back with time: a key that changes
 * now and then never waits; a key that changes all the time waits longer and longer, the more so the more it computes.
 */
export class Pace {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Milliseconds of work that a key may still do; below zero it waits. */
  credit(key: string): number {
    return this.#account(key).credit;
  }

  /** Milliseconds until the next pass of a key may begin. */
  wait(key: string): number {
    return Math.max(0, -this.#account(key).credit / SHARE);
  }

  /** A pass of a key computed for this many ms. */
  spend(key: string, computed: number): void {
    const { credit, at, streak } = this.#account(key);
    const left = credit - (PASS + computed) * Math.min(DEAREST, 1 + streak / GROWS);
    this.#accounts.set(key, { credit: Math.max(left, -LONGEST_WAIT * SHARE), at, streak: streak + (left < 0 ? 1 : 0) });
    if (this.#accounts.size > TIDY) this.#tidy();
  }

  /** The account of a key with its credit as of now. */
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

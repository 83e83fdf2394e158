import type { Clock, Timer } from "../../../runtime/clock.ts";
import type { SharedBucket, SharedBuckets } from "../shared-limits.ts";
import type { BucketShape } from "../token-bucket.ts";
import { answersOf, argumentsOf, type BorrowLine } from "./borrow-line.ts";
import { bucketKey } from "./bucket-key.ts";
import type { Link } from "./link.ts";
import { Pocket, type Lender } from "./pocket.ts";
import { BORROW } from "./scripts/borrow.ts";

/** Buckets that one call asks for. */
const MOST_LINES = 100;
/** Calls that are under way at the same time. */
const MOST_CALLS = 10;
/** A pocket that has spent nothing for so long gives back what it holds, in ms. */
const QUIET = 5_000;
/** One that has tells the store what it holds, before the lease of it ends; in ms. */
const TELL = 7_500;
/** Between two looks at pockets that hold something, in ms. */
const LOOK = 250;

interface PocketsOptions {
  readonly link: () => Link;
  /** Of all keys of the proxy. */
  readonly prefix: string;
  /** Names this process; of no other process, and none that was before. */
  readonly id: string;
  readonly clock: Clock;
}

interface Asked {
  readonly pocket: Pocket;
  readonly line: BorrowLine;
}

/**
 * The buckets of one proxy that all pods share. Pockets ask together, in rounds: the next begins when all answers of the
 * last are here, so that a flow that waits for several pockets hears of all of them at once.
 */
export class Pockets implements SharedBuckets, Lender {
  readonly clock: Clock;
  readonly #link: () => Link;
  readonly #prefix: string;
  readonly #id: string;
  /** Pockets that a message waits for, that ask ahead of need, and that have long told nothing. */
  readonly #needy = new Set<Pocket>();
  readonly #short = new Set<Pocket>();
  readonly #old = new Set<Pocket>();
  /** Pockets for which the store holds something, the one that told it longest ago first. */
  readonly #holding = new Set<Pocket>();
  #holders = 0;
  #calls = 0;
  #round: Promise<void> | undefined;
  #turn: NodeJS.Immediate | undefined;
  #company: Timer | undefined;
  /** When the pockets that ask ahead of need do so, and when the timer for it fires. */
  #due = Infinity;
  #companyAt = Infinity;
  #look: Timer | undefined;
  #closed = false;

  constructor({ link, prefix, id, clock }: PocketsOptions) {
    this.#link = link;
    this.#prefix = prefix;
    this.#id = id;
    this.clock = clock;
  }

  get available(): boolean {
    return !this.#closed && this.#link().available;
  }

  /** A new pocket: the caller keeps it for as long as it counts this subject. */
  bucket(name: string, shape: BucketShape, now: number): SharedBucket {
    this.#holders += 1;
    return new Pocket(bucketKey(this.#prefix, name), this.#holders.toString(36), shape, this, now);
  }

  /** Of a pocket. */
  wants(pocket: Pocket, within: number): void {
    if (within === 0) this.#needy.add(pocket);
    else {
      this.#short.add(pocket);
      this.#due = Math.min(this.#due, this.clock.now() + within);
    }
    if (this.#round === undefined) this.#beginSoon();
  }

  /** Gives back what all pockets hold. From now on each bucket counts for this process alone. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#round;
    this.#rest();
    const all = [...this.#holding].map((pocket) => ({ pocket, line: pocket.giveBack(this.clock.now()) }));
    await Promise.all(inParts(all).map((part) => this.#call(part)));
    for (const pocket of [...this.#needy, ...this.#short]) pocket.settle(this.clock.now());
    this.#rest();
  }

  #rest(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#company?.cancel();
    this.#look?.cancel();
    this.#turn = this.#company = this.#look = undefined;
  }

  #beginSoon(): void {
    if (this.#needy.size > 0) this.#turn ??= setImmediate(() => this.#begin());
    else if (this.#short.size > 0) this.#waitForCompany();
  }

  #waitForCompany(): void {
    if (this.#company !== undefined && this.#companyAt <= this.#due) return;
    this.#company?.cancel();
    this.#companyAt = this.#due;
    this.#company = this.clock.after(this.#due - this.clock.now(), () => this.#begin());
  }

  #begin(): void {
    if (this.#turn !== undefined) clearImmediate(this.#turn);
    this.#company?.cancel();
    this.#turn = this.#company = undefined;
    if (this.#round === undefined) this.#round = this.#ask().then(() => this.#again());
  }

  /** Behind a round: what has come up meanwhile. */
  #again(): void {
    this.#round = undefined;
    if (this.#closed) return;
    this.#beginSoon();
    if (this.#old.size > 0) this.#begin();
    else this.#lookLater();
  }

  async #ask(): Promise<void> {
    const now = this.clock.now();
    const asked: Asked[] = [];
    const heard = new Set<Pocket>();
    for (const some of [this.#needy, this.#short, this.#old]) {
      for (const pocket of some) {
        if (asked.length >= MOST_LINES * MOST_CALLS) break;
        some.delete(pocket);
        if (heard.has(pocket)) continue;
        heard.add(pocket);
        const quiet = some === this.#old && isQuiet(pocket, now) && !pocket.waiting;
        const line = quiet ? pocket.giveBack(now) : pocket.line(now, some === this.#old);
        if (line !== undefined) asked.push({ pocket, line });
      }
    }
    this.#due = this.#short.size > 0 ? now : Infinity;
    await Promise.all(inParts(asked).map((part) => this.#call(part)));
    const after = this.clock.now();
    for (const pocket of heard) pocket.settle(after);
    for (const pocket of heard) pocket.trim();
  }

  async #call(part: readonly Asked[]): Promise<void> {
    const call = (this.#calls += 1);
    const keys = part.map(({ line }) => line.key);
    const args = argumentsOf(
      this.#id,
      call,
      part.map(({ line }) => line),
    );
    const answer = await this.#answer(keys, args);
    const now = this.clock.now();
    const said = answersOf(answer, part.length);
    for (const [at, { pocket, line }] of part.entries()) {
      if (answer === undefined) pocket.unanswered(now);
      else pocket.answered(line, call, said[at], now);
      this.#holding.delete(pocket);
      if (pocket.holds) this.#holding.add(pocket);
    }
  }

  /** Undefined: there is none. */
  async #answer(keys: readonly string[], args: readonly (string | number)[]): Promise<unknown> {
    const link = this.#link();
    if (!link.available) return undefined;
    try {
      return await link.call(BORROW, keys, args);
    } catch {
      return undefined; // Unavailable, and nothing else
    }
  }

  #lookLater(): void {
    if (this.#look !== undefined || this.#closed) return;
    for (const { told } of this.#holding) {
      const due = Math.max(LOOK, told + QUIET - this.clock.now());
      this.#look = this.clock.after(due, () => this.#lookNow());
      return;
    }
  }

  #lookNow(): void {
    this.#look = undefined;
    const now = this.clock.now();
    for (const pocket of this.#holding) {
      if (now - pocket.told < QUIET || this.#old.size >= MOST_LINES * MOST_CALLS) break;
      if (isQuiet(pocket, now) || now - pocket.told >= TELL) this.#old.add(pocket);
    }
    if (this.#old.size > 0 && this.#round === undefined) this.#begin();
    else this.#lookLater();
  }
}

function isQuiet({ used }: Pocket, now: number): boolean {
  return now - used >= QUIET;
}

function inParts(all: readonly Asked[]): Asked[][] {
  const parts: Asked[][] = [];
  for (let from = 0; from < all.length; from += MOST_LINES) parts.push(all.slice(from, from + MOST_LINES));
  return parts;
}

import type { Clock, Timer } from "../../../runtime/clock.ts";
import { Spacing } from "../spacing.ts";
import type { Loan, SharedBucket } from "../shared-limits.ts";
import { TokenBucket, type BucketShape } from "../token-bucket.ts";
import type { Borrowed, BorrowLine } from "./borrow-line.ts";
import { Demand, PAUSE } from "./demand.ts";
import { Loans } from "./loans.ts";
import { LEASE } from "./scripts/bucket.ts";
import { NOTHING_WAITS, Waiters } from "./waiters.ts";

/** What is held counts here for so much less than in the store, in ms: clocks run at different speeds. */
const MARGIN = 500;
/** How long a pocket goes on alone after the store has failed it, in ms. */
const ALONE = 250;
/** Calls in a row without an answer after which it goes on alone: a pod alone may have a burst of its own. */
const MOST_UNANSWERED = 2;
/** Bytes that are worth a question to the store, where a limit delays. */
const PORTION = 16_384;
/**
 * A time that is over. Fields for times begin with it: V8 keeps a number in place only where the field has held nothing but
 * numbers with a fraction, and else makes a new object for each that is written.
 */
const NEVER = Number.NEGATIVE_INFINITY;

/** Asks the store for pockets. */
export interface Lender {
  readonly available: boolean;
  readonly clock: Clock;
  /** A message waits: asks at the end of the turn. */
  needs(pocket: Pocket): void;
  /** Asks in company before what the pocket has is used up, in so many ms. */
  wants(pocket: Pocket, lasts: number): void;
}

/**
 * What this process has borrowed of one bucket that all pods share. While the store cannot be asked, a bucket of the
 * process's own decides alone; all that is spent is charged to it, so that a store that comes and goes gives nothing.
 *
 * Of many pockets each is seldom used, so a message reads and writes as few of its objects as can be.
 */
export class Pocket implements SharedBucket {
  readonly asks = true;
  readonly key: string;
  readonly holder: string;
  readonly #lender: Lender;
  readonly #own: TokenBucket;
  readonly #demand: Demand;
  /** Made when something waits: most pockets have none. */
  #waiters: Waiters | undefined;
  #spacing: Spacing | undefined;
  #shape: BucketShape;
  #tokens = 0;
  /** What was spent of them, and is not charged yet. */
  #spent = 0;
  /** Made when the first token is lent: most pockets lend none. */
  #loans: Loans | undefined;
  /** What of them is held in the store: what they were after its last answer. */
  #held = 0;
  /** Until when what is held counts in the store. */
  #until = NEVER;
  /** The last call whose answer is here. */
  #seen = 0;
  #wanted = false;
  #aloneUntil = NEVER;
  /** Calls in a row without an answer. */
  #unanswered = 0;
  /** The bucket has not so many tokens: before that a verdict on them falls without the store. */
  #emptyFrom = 0;
  #emptyUntil = NEVER;
  /** The bucket has just run empty: nothing is asked before, and what waits is asked for together. */
  #scarceUntil = NEVER;
  #later: Timer | undefined;
  /** With fewer tokens than these it asks ahead of need. */
  #low = 0;
  /** The last round in which it was asked about. */
  round = 0;
  /** When it last spent. */
  used = NEVER;
  /** When the store was last told what it holds. */
  told = NEVER;

  constructor(key: string, holder: string, shape: BucketShape, lender: Lender, now: number) {
    this.key = key;
    this.holder = holder;
    this.#shape = shape;
    this.#lender = lender;
    this.#own = new TokenBucket(shape, now);
    this.#demand = new Demand(shape, now);
    this.used = now;
    this.told = now;
  }

  available(now: number): number {
    return this.alone(now) ? this.#charged().available(now) : this.#here(now);
  }

  take(n: number, now: number): boolean {
    if (this.alone(now)) return this.#charged().take(n, now);
    if (this.#tokens < n || now > this.#until) return false;
    this.#spend(n, now);
    return true;
  }

  lend(now: number): Loan | undefined {
    if (this.alone(now) || !this.take(1, now)) return undefined;
    return (this.#loans ??= new Loans()).lend(() => {
      this.#tokens += 1;
      this.#spent -= 1;
    });
  }

  force(n: number, now: number): void {
    if (this.alone(now)) this.#charged().force(n, now);
    else this.#spend(Math.min(n, this.available(now)), now);
  }

  wait(n: number, now: number): number {
    const own = this.#charged().wait(n, now);
    if (this.alone(now)) return own;
    if (this.available(now) >= n) return 0;
    return n > this.#shape.burst ? Math.max(own, this.#emptyUntil - now) : Math.max(0, this.#emptyUntil - now);
  }

  turn(n: number, now: number): number {
    this.#spacing ??= new Spacing();
    const { limit, interval } = this.#shape;
    return this.#spacing.turn(this.wait(n, now), (n * interval) / limit, now);
  }

  unknown(n: number, now: number): boolean {
    const empty = now < this.#emptyUntil && n >= this.#emptyFrom;
    return !empty && n <= this.#shape.burst && !this.alone(now) && this.available(now) < n;
  }

  ask(n: number, now: number, answered: () => void): Timer {
    const timer = (this.#waiters ??= new Waiters()).ask(n, answered);
    this.#need(now);
    return timer;
  }

  spend(n: number, now: number, short: () => void): void {
    if (this.take(n, now)) return;
    if (!this.unknown(n, now)) return short();
    if ((this.#waiters ??= new Waiters()).spend(n, short)) this.#need(now);
    else if (!this.#charged().take(n, now)) short();
  }

  least(n: number, now: number): number {
    if (this.alone(now)) return 0;
    return Math.min(n, Math.max(1, Math.floor(this.#shape.burst / 4)), PORTION);
  }

  reshape(shape: BucketShape, now: number): void {
    this.#charged().reshape(shape, now);
    this.#demand.reshape(shape);
    this.#spacing?.reset();
    this.#emptyUntil = this.#scarceUntil = NEVER;
    // What all pods hold of the old burst may be more than the new one.
    if (shape.burst !== this.#shape.burst) this.#giveUp();
    this.#shape = shape;
  }

  alone(now: number): boolean {
    return now < this.#aloneUntil || !this.#lender.available;
  }

  /** A flow, or a message that is to be counted, waits for an answer. */
  get waiting(): boolean {
    return this.#waiters?.any === true;
  }

  /** The store holds tokens for this pocket, as far as is known. */
  get holds(): boolean {
    return this.#held > 0;
  }

  /** What to ask the store; undefined: nothing. `report`: the store must hear what is held. */
  line(now: number, report: boolean): BorrowLine | undefined {
    this.#wanted = false;
    this.#charged();
    this.#demand.measure(now);
    const here = (this.#tokens = this.#here(now)); // whatever decides now
    if (now > this.#until) this.#giveUp();
    const { first, sum, single: together } = this.#waiters ?? NOTHING_WAITS;
    const least = Math.max(0, first - here);
    const need = together ? Math.max(0, sum - here) : least;
    const others = together ? 0 : sum - first;
    const ahead = need > 0 || now >= this.#scarceUntil ? this.#missing(Math.max(0, here - sum), others) : 0;
    if (need === 0 && ahead === 0 && !report) return undefined;
    const lent = this.#lent;
    return { ...this.#head(now), holds: here + lent, lent, back: 0, least, need, ahead };
  }

  /** Gives back what it holds. */
  giveBack(now: number): BorrowLine {
    const back = this.#tokens;
    this.#giveUp();
    return { ...this.#head(now), holds: 0, lent: 0, back, least: 0, need: 0, ahead: 0 };
  }

  /** The answer of the store to a line; `settle` and `trim` follow. Undefined: none that is of use. */
  answered(line: BorrowLine, call: number, said: Borrowed | undefined, now: number): void {
    const { shape, at, holds, lent, least, need } = line;
    this.told = now;
    this.#unanswered = 0;
    if (said === undefined) {
      this.#aloneUntil = now + ALONE;
      return;
    }
    const { wait } = said;
    // What is held of another burst counts no more; what messages wait for was spent in time.
    const same = shape.burst === this.#shape.burst;
    const [granted, kept] = same ? [said.granted, said.kept] : [Math.min(said.granted, need), 0];
    const spent = Math.min(granted, need);
    this.#seen = call;
    this.#until = at + LEASE - MARGIN;
    this.#held = kept + granted - spent;
    this.#tokens = Math.max(0, this.#tokens - (holds - kept)) + granted;
    this.#low = Math.ceil(Math.min(this.#demand.ahead, this.#held) / 2);
    const pause = wait > 0 ? this.#demand.pause(wait) : 0;
    if (granted >= need) this.#scarceUntil = now + pause;
    if (granted < need) [this.#emptyFrom, this.#emptyUntil] = [holds - lent + least, now + pause];
    else if (granted > 0) [this.#emptyFrom, this.#emptyUntil] = [1, pause > PAUSE ? now + pause : NEVER];
  }

  /** There was no answer to a call: what waits asks again. */
  unanswered(now: number): void {
    this.told = now;
    this.#unanswered += 1;
    if (this.#unanswered >= MOST_UNANSWERED) this.#aloneUntil = now + ALONE;
  }

  /** What waits goes on; what has gone on is counted, by the pod's own bucket where there was no answer. */
  settle(now: number): void {
    this.#waiters?.settle((n) => this.take(n, now) || (this.#unanswered > 0 && this.#charged().take(n, now)));
  }

  /** What was granted to be spent at once, and was not when all has gone on, is lost: the store does not hold it. */
  trim(): void {
    this.#tokens = Math.min(this.#tokens, Math.max(0, this.#held - this.#lent));
  }

  get #lent(): number {
    return this.#loans?.open ?? 0;
  }

  /** What is borrowed, and still counts in the store. */
  #here(now: number): number {
    return now > this.#until ? 0 : this.#tokens;
  }

  #head(at: number): Pick<BorrowLine, "key" | "holder" | "shape" | "at" | "seen"> {
    return { key: this.key, holder: this.holder, shape: this.#shape, at, seen: this.#seen };
  }

  /** The store holds nothing any more: none of it is used. */
  #giveUp(): void {
    this.#tokens = 0;
    this.#loans?.giveUp();
  }

  #need(now: number): void {
    if (this.#later !== undefined) return;
    const pause = this.#scarceUntil - now;
    if (pause <= 0) return this.#lender.needs(this);
    this.#later = this.#lender.clock.after(pause, () => {
      this.#later = undefined;
      this.#lender.needs(this);
    });
  }

  #missing(left: number, others: number): number {
    const { ahead } = this.#demand;
    return Math.max(0, Math.ceil(ahead - left), Math.min(others, Math.floor(this.#shape.burst / 4)));
  }

  #spend(n: number, now: number): void {
    this.#tokens -= n;
    this.#spent += n;
    this.used = now;
    if (this.#tokens < this.#low && !this.#wanted) this.#wantMore(now);
  }

  #wantMore(now: number): void {
    if (now >= this.#scarceUntil) this.#low = this.#demand.low(this.#low, this.#spent, now);
    if (now < this.#scarceUntil || this.#tokens >= this.#low) return;
    this.#wanted = true;
    this.#lender.wants(this, this.#demand.lasts(this.#tokens, this.#spent, now));
  }

  /** The process's own bucket, charged with all that was spent. */
  #charged(): TokenBucket {
    if (this.#spent !== 0) {
      this.#own.force(this.#spent, this.used);
      this.#demand.used(this.#spent);
      this.#spent = 0;
    }
    return this.#own;
  }
}

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
/** Lines of a round for which no message waits: many such pockets ask at once, and messages must not wait for all of them. */
const MOST_PATIENT = 200;
/** A pocket that holds something tells the store so, before the lease of it ends; in ms. */
const TELL = 12_000;
/** One that has spent nothing for so long gives back what it holds, in ms… */
const QUIET = 5_000;
/** …once it has told nothing for so long, in ms. */
const LOOK = 7_000;
/** To wake up for each question costs more than the question: a pocket that can wait asks at multiples of this, in ms… */
const TICK = 250;
/** …where what is left lasts for so long at least, in ms; … */
const SLOW = 400;
/** …or at multiples of this, in ms… */
const LONG_TICK = 1000;
/** …where it lasts for so long: on average the tick comes in time. Where it does not, a message waits for the answer. */
const SLOWEST = 500;
/** The others wait for company for this part of the time for which what they have lasts… */
const PART = 4;
/** …and for so long at least, in ms. */
const FAST = 10;

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

interface Round {
  readonly asked: Asked[];
  /** Pockets that it is about, also those that need nothing of the store. */
  readonly heard: Pocket[];
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
  /** Pockets that a message waits for, and those that ask ahead of need. */
  readonly #needy = new Set<Pocket>();
  readonly #short = new Set<Pocket>();
  /** Pockets for which the store holds something, the one that told it longest ago first. */
  readonly #holding = new Set<Pocket>();
  #holders = 0;
  #rounds = 0;
  #calls = 0;
  #round: Promise<void> | undefined;
  #turn: NodeJS.Immediate | undefined;
  /** When the pockets that ask ahead of need do so. */
  #due = Infinity;
  /** When those that have told nothing for long are looked for: they may be many, so a busy pocket's rounds do not. */
  #lookAt = Infinity;
  /** A look that was too much for one round: those that are still to be looked at. */
  #looking: SetIterator<Pocket> | undefined;
  /** Begins the next round of what no message waits for, at `#timerAt`. */
  #timer: Timer | undefined;
  #timerAt = Infinity;
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
  needs(pocket: Pocket): void {
    this.#needy.add(pocket);
    if (this.#round === undefined) this.#turn ??= setImmediate(() => this.#begin());
  }

  /** Of a pocket. */
  wants(pocket: Pocket, lasts: number): void {
    this.#short.add(pocket);
    this.#due = Math.min(this.#due, inCompany(this.clock.now(), lasts));
    if (this.#round === undefined) this.#beginAt(this.#due);
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
    this.#timer?.cancel();
    this.#turn = this.#timer = undefined;
    this.#timerAt = Infinity;
  }

  #beginAt(at: number): void {
    if (at >= this.#timerAt) return;
    this.#timer?.cancel();
    this.#timerAt = at;
    this.#timer = this.clock.after(Math.max(0, at - this.clock.now()), () => this.#begin());
  }

  #begin(): void {
    this.#rest();
    if (this.#round === undefined) this.#round = this.#ask().then(() => this.#again());
  }

  /** Behind a round: what has come up meanwhile. */
  #again(): void {
    this.#round = undefined;
    if (this.#closed) return;
    if (this.#needy.size > 0) this.#turn ??= setImmediate(() => this.#begin());
    if (this.#lookAt === Infinity) this.#lookAt = this.#nextLook();
    this.#beginAt(Math.min(this.#due, this.#lookAt));
  }

  async #ask(): Promise<void> {
    const now = this.clock.now();
    const round: Round = { asked: [], heard: [] };
    this.#rounds += 1;
    this.#askFor(this.#needy, round, MOST_LINES * MOST_CALLS, now);
    this.#askFor(this.#short, round, MOST_PATIENT, now);
    if (now >= this.#lookAt) this.#look(round, now);
    const { asked, heard } = round;
    this.#due = this.#short.size > 0 ? now : Infinity;
    await Promise.all(inParts(asked).map((part) => this.#call(part)));
    const after = this.clock.now();
    for (const pocket of heard) pocket.settle(after);
    for (const pocket of heard) pocket.trim();
  }

  #askFor(some: Set<Pocket>, { asked, heard }: Round, most: number, now: number): void {
    const full = Math.min(asked.length + most, MOST_LINES * MOST_CALLS);
    for (const pocket of some) {
      if (asked.length >= full) return;
      some.delete(pocket);
      if (!this.#isNew(pocket)) continue;
      heard.push(pocket);
      const line = pocket.line(now, false);
      if (line !== undefined) asked.push({ pocket, line });
    }
  }

  #nextLook(): number {
    for (const { told } of this.#holding)
      return inCompany(Math.max(this.clock.now(), told + LOOK - LONG_TICK), SLOWEST);
    return Infinity;
  }

  /** Pockets that have told nothing for long tell what they hold; those that are quiet give it back. */
  #look({ asked, heard }: Round, now: number): void {
    const full = Math.min(asked.length + MOST_PATIENT, MOST_LINES * MOST_CALLS);
    if (asked.length === full) return; // it stays due
    this.#lookAt = Infinity;
    this.#looking ??= this.#holding.values();
    for (const pocket of this.#looking) {
      const silent = now - pocket.told + LONG_TICK;
      if (silent < LOOK) break;
      const quiet = now - pocket.used >= QUIET && !pocket.waiting;
      if ((silent < TELL && !quiet) || !this.#isNew(pocket)) continue;
      heard.push(pocket);
      const line = quiet ? pocket.giveBack(now) : pocket.line(now, true);
      if (line !== undefined) asked.push({ pocket, line });
      if (asked.length >= full) {
        this.#lookAt = now; // the others in the next round, which goes on from here
        return;
      }
    }
    this.#looking = undefined;
  }

  /** To this round. */
  #isNew(pocket: Pocket): boolean {
    const isNew = pocket.round !== this.#rounds;
    pocket.round = this.#rounds;
    return isNew;
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
    let at = 0;
    for (const { pocket, line } of part) {
      if (answer === undefined) pocket.unanswered(now);
      else pocket.answered(line, call, said[at], now);
      at += 1;
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
}

/** When a pocket asks that can wait, if what it has lasts for so many ms: as far as can be at a time at which others ask. */
function inCompany(now: number, lasts: number): number {
  if (lasts < SLOW) return now + Math.max(FAST, lasts / PART);
  const tick = lasts < SLOWEST ? TICK : LONG_TICK;
  return Math.floor(now / tick + 1) * tick;
}

function inParts(all: readonly Asked[]): Asked[][] {
  const parts: Asked[][] = [];
  for (let from = 0; from < all.length; from += MOST_LINES) parts.push(all.slice(from, from + MOST_LINES));
  return parts;
}

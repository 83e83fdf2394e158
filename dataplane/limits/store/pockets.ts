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
/** A pocket that holds something tells the store so, before the lease of it ends; in ms. */
const TELL = 12_000;
/** One that has spent nothing for so long gives back what it holds, in ms… */
const QUIET = 5_000;
/** …once it has told nothing for so long, in ms. */
const LOOK = 7_000;
/** A pocket that can wait for so many ms… */
const SLOW = 100;
/** …asks when all such pockets do, at multiples of this, in ms: to wake up for each costs more than its question. */
const TICK = 250;

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
  wants(pocket: Pocket, within: number): void {
    if (within === 0) this.#needy.add(pocket);
    else {
      this.#short.add(pocket);
      this.#due = Math.min(this.#due, inCompany(this.clock.now(), within));
    }
    if (this.#round !== undefined) return;
    if (within === 0) this.#turn ??= setImmediate(() => this.#begin());
    else this.#beginAt(this.#due);
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
    this.#askFor(this.#needy, round, now);
    this.#askFor(this.#short, round, now);
    if (now >= this.#lookAt) this.#look(round, now);
    const { asked, heard } = round;
    this.#due = this.#short.size > 0 ? now : Infinity;
    await Promise.all(inParts(asked).map((part) => this.#call(part)));
    const after = this.clock.now();
    for (const pocket of heard) pocket.settle(after);
    for (const pocket of heard) pocket.trim();
  }

  #askFor(some: Set<Pocket>, { asked, heard }: Round, now: number): void {
    for (const pocket of some) {
      if (asked.length >= MOST_LINES * MOST_CALLS) return;
      some.delete(pocket);
      if (!this.#isNew(pocket)) continue;
      heard.push(pocket);
      const line = pocket.line(now, false);
      if (line !== undefined) asked.push({ pocket, line });
    }
  }

  #nextLook(): number {
    for (const { told } of this.#holding) return inCompany(Math.max(this.clock.now(), told + LOOK - TICK), SLOW);
    return Infinity;
  }

  /** Pockets that have told nothing for long tell what they hold; those that are quiet give it back. */
  #look({ asked, heard }: Round, now: number): void {
    this.#lookAt = Infinity;
    for (const pocket of this.#holding) {
      const silent = now - pocket.told + TICK;
      if (silent < LOOK) return;
      if (asked.length >= MOST_LINES * MOST_CALLS) {
        this.#lookAt = now; // the others in the next round
        return;
      }
      const quiet = now - pocket.used >= QUIET && !pocket.waiting;
      if ((silent < TELL && !quiet) || !this.#isNew(pocket)) continue;
      heard.push(pocket);
      const line = quiet ? pocket.giveBack(now) : pocket.line(now, true);
      if (line !== undefined) asked.push({ pocket, line });
    }
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

/** When a pocket asks that can wait so long: what need not be soon is at a time at which others ask, too. */
function inCompany(now: number, within: number): number {
  return within < SLOW ? now + within : Math.floor(now / TICK + 1) * TICK;
}

function inParts(all: readonly Asked[]): Asked[][] {
  const parts: Asked[][] = [];
  for (let from = 0; from < all.length; from += MOST_LINES) parts.push(all.slice(from, from + MOST_LINES));
  return parts;
}

import type { Clock, Timer } from "../../runtime/clock.ts";
import { onceATurn } from "../../runtime/loop/once-a-turn.ts";
import type { Newcomer, Subject } from "./newcomer.ts";
import { ReadingSlots } from "./reading-slots.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Called when a socket's turn to be read begins, and when it ends. */
export interface Reader {
  start(entry: Newcomer): void;
  stop(entry: Newcomer): void;
}

/** A socket that has sent nothing is read for this long at least, in ms, before another is read in its place. */
const LEAST_TURN = 200;
/** While no slot can be had, the line is looked at this often, in ms. */
const LOOK = 50;
/** Sockets of which reading begins in one turn of the event loop. */
const MOST_BEGUN = 128;
/** Addresses without a slot for their next socket that are passed over at once. */
const MOST_PASSED = 256;
/** So many in the line of one address are a crowd. */
const CROWD = 64;

/**
 * Says which of the sockets of a waiting room are read, and which wait unread: each address has its turn, and a socket
 * that is read, and sends nothing while others wait, goes back to the end of the line.
 */
export class ReadingTurns {
  readonly #clock: Clock;
  readonly #reader: Reader;
  readonly #line = new WaitingLine<Newcomer, Subject>();
  readonly #slots: ReadingSlots;
  /** Reading began in this turn of the loop, and in the one before: a whole poll has passed for those before that. */
  #fresh: Newcomer[] = [];
  #seenOnce: Newcomer[] = [];
  #begunNow = 0;
  /** Addresses passed over since one was found that had a slot. */
  #passed = 0;
  readonly #turn = onceATurn(() => this.#turned());
  #look: Timer | undefined;
  #unbounded = false;

  /** `descriptors`: those that there are for sockets. */
  constructor(clock: Clock, descriptors: number, reader: Reader) {
    this.#clock = clock;
    this.#slots = new ReadingSlots(descriptors);
    this.#reader = reader;
  }

  /** Sockets that are read. */
  get reading(): number {
    return this.#slots.taken;
  }

  /** Sockets that wait unread. */
  get unread(): number {
    return this.#line.size;
  }

  /** What an address counts by; undefined: a single socket, which counts by itself. */
  subject(key: string | undefined): Subject {
    return this.#slots.subject(key);
  }

  enter(entry: Newcomer): void {
    const others = this.#line.size > 0;
    entry.inLine = this.#line.push(entry.subject, entry);
    if (others) this.#turn();
    else this.advance();
  }

  /** It has sent something: no other socket is read in its place. */
  heard(entry: Newcomer): void {
    this.#notSilent(entry);
  }

  leave(entry: Newcomer): void {
    this.#notSilent(entry);
    if (entry.inLine === undefined) this.#slots.leave(entry.subject);
    else this.#line.remove(entry.subject, entry.inLine);
    this.#slots.forget(entry.subject);
    if (this.#line.size > 0) this.#turn();
  }

  /** The one that was read for longest and sent nothing, where it had a full turn. */
  get silent(): Newcomer | undefined {
    const silent = this.#slots.silent.first;
    return silent !== undefined && this.#hadTurn(silent) ? silent : undefined;
  }

  /**
   * The socket to give up when a descriptor is needed: as `silent`; else the last of an address with a crowd in the line;
   * else the silent socket that is read for longest, although it had no full turn.
   */
  leastMissed(): { readonly entry: Newcomer; readonly reason: "Silent" | "Crowd" } | undefined {
    const silent = this.#slots.silent.first;
    const last = this.silent === undefined ? this.#line.greediest()?.waiting.last?.item : undefined;
    if (last !== undefined && last.subject.waiting.size >= CROWD) return { entry: last, reason: "Crowd" };
    return silent === undefined ? undefined : { entry: silent, reason: "Silent" };
  }

  /** From now on there is a slot for all: no others come. */
  unbound(): void {
    this.#unbounded = true;
  }

  /** Begins to read those that are next, as many as have a slot. */
  advance(): void {
    let now = 0;
    while (this.#begunNow < MOST_BEGUN && now < MOST_PASSED && this.#passed < this.#line.lanes) {
      const subject = this.#line.next();
      if (subject === undefined) break;
      const room = this.#unbounded || this.#slots.has(subject) || this.#makeRoom(subject);
      const entry = room ? this.#line.take(subject) : undefined;
      if (entry !== undefined) this.#start(entry);
      now = entry === undefined ? now + 1 : 0;
      this.#passed = entry === undefined ? this.#passed + 1 : 0;
    }
    const all = this.#passed >= this.#line.lanes;
    if (all) this.#passed = 0;
    if (this.#line.size === 0) return;
    if (!all) this.#turn();
    else this.#look ??= this.#clock.after(LOOK, () => this.#lookAgain());
  }

  #start(entry: Newcomer): void {
    this.#slots.enter(entry.subject);
    this.#begunNow += 1;
    entry.inLine = undefined;
    entry.since = this.#clock.now();
    this.#fresh.push(entry);
    this.#turn();
    this.#reader.start(entry);
  }

  /** Another socket that has sent nothing goes back to the line for the next of this address. */
  #makeRoom(subject: Subject): boolean {
    const next = subject.waiting.first;
    if (next?.timer !== undefined && !this.#hadTurn(next)) return false; // it was read a moment ago
    const entry = this.#slots.rival(subject);
    if (entry === undefined || !this.#hadTurn(entry)) return false;
    this.#reader.stop(entry);
    this.#notSilent(entry);
    this.#slots.leave(entry.subject);
    entry.since = this.#clock.now();
    entry.inLine = this.#line.push(entry.subject, entry);
    return true;
  }

  /** It is no longer one of the sockets that are read and have sent nothing. */
  #notSilent(entry: Newcomer): void {
    if (entry.silent !== undefined) this.#slots.heard(entry.subject, entry.silent);
    entry.silent = undefined;
  }

  #hadTurn({ since }: Newcomer): boolean {
    return since <= this.#clock.now() - LEAST_TURN;
  }

  /** A turn of the loop is over. */
  #turned(): void {
    this.#begunNow = 0;
    for (const entry of this.#seenOnce) {
      if (!entry.gone && !entry.begun && entry.inLine === undefined) entry.silent = this.#slots.wasSilent(entry);
    }
    this.#seenOnce = this.#fresh;
    this.#fresh = [];
    if (this.#seenOnce.length > 0) this.#turn();
    if (this.#line.size > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    this.#look?.cancel();
    this.#look = undefined;
    this.advance();
  }
}

import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Begun } from "./begun.ts";
import { LinkedList } from "./linked-list.ts";
import type { Newcomer } from "./newcomer.ts";
import { WaitingLine, type Lane } from "./waiting-line.ts";

/** TLS handshakes under way at the same time. */
const MOST = 256;
/** A handshake that takes this many times as long as the quickest of the last ones is not waited for any longer. */
const PATIENCE = 4;
/** Bounds of that time, in ms; FIRST holds until a handshake has been timed. */
const LEAST = 500;
const LONGEST = 10_000;
const FIRST = 2000;
/** The last ones: so many durations are remembered. */
const REMEMBERED = 32;

/**
 * Bounds the TLS handshakes that are under way: one of each address begins in turn, the others wait with their hello
 * read. With thousands under way each would be as slow as the last one, and overdue. A client that lets its handshake hang
 * loses its slot; how soon follows from how long the other handshakes take.
 */
export class UnderWay {
  readonly #clock: Clock;
  readonly #begin: (newcomer: Newcomer) => void;
  readonly #line = new WaitingLine<Newcomer, Lane<Newcomer>>();
  readonly #begun = new LinkedList<Begun>();
  /** How long the last ones took, in ms. */
  readonly #took: number[] = [];
  #timer: Timer | undefined;

  /** `begin` is called for each in its turn. */
  constructor(clock: Clock, begin: (newcomer: Newcomer) => void) {
    this.#clock = clock;
    this.#begin = begin;
  }

  /** A client's first bytes are here. */
  enter(newcomer: Newcomer): void {
    newcomer.inHellos = this.#line.push(newcomer.subject.hellos, newcomer);
    this.#offer();
  }

  /** Its head is complete. */
  done(newcomer: Newcomer): void {
    if (newcomer.underWay === undefined) return;
    this.#took.push(this.#clock.now() - newcomer.underWay.item.at);
    if (this.#took.length > REMEMBERED) this.#took.shift();
    this.leave(newcomer);
  }

  /** It is not waited for any more, for whatever reason. */
  leave(newcomer: Newcomer): void {
    const { inHellos, underWay, subject } = newcomer;
    newcomer.inHellos = undefined;
    newcomer.underWay = undefined;
    if (inHellos !== undefined) this.#line.remove(subject.hellos, inHellos);
    if (underWay === undefined) return;
    this.#begun.remove(underWay);
    this.#offer();
  }

  #offer(): void {
    while (this.#line.size > 0) {
      if (this.#begun.size >= MOST && !this.#giveUp()) return;
      const lane = this.#line.next();
      const newcomer = lane && this.#line.take(lane);
      if (newcomer === undefined) return;
      newcomer.inHellos = undefined;
      newcomer.underWay = this.#begun.push({ at: this.#clock.now() });
      this.#begin(newcomer);
    }
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Gives up the oldest, if it has had its time; else looks again when it has. */
  #giveUp(): boolean {
    const oldest = this.#begun.first;
    const left = (oldest?.at ?? 0) + this.#patience - this.#clock.now();
    if (left <= 0) return this.#begun.shift() !== undefined;
    this.#timer ??= this.#clock.after(left, () => {
      this.#timer = undefined;
      this.#offer();
    });
    return false;
  }

  get #patience(): number {
    if (this.#took.length === 0) return FIRST;
    return Math.min(LONGEST, Math.max(LEAST, PATIENCE * Math.min(...this.#took)));
  }
}

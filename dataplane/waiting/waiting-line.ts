import { LinkedList, type Link } from "./linked-list.ts";

/** Lanes that are compared for the one that has the most in the line. */
const COMPARED = 16;

/** A part of the line that takes turns with the others: of an address, or of a single socket behind a trusted proxy. */
export interface Lane<T> {
  /** Its sockets that wait, in order. */
  readonly waiting: LinkedList<T>;
  /** Its link among the lanes, while it has any that wait. */
  turn: Link<this> | undefined;
}

/**
 * Sockets that wait to be read: in order for each lane, and one of each lane in turn. So a lane with thousands in the
 * line delays the others by one at a time. Everything here takes constant time.
 */
export class WaitingLine<T, L extends Lane<T>> {
  readonly #turns = new LinkedList<L>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Lanes of which some wait. */
  get lanes(): number {
    return this.#turns.size;
  }

  /** Adds one behind the others of its lane. */
  push(lane: L, one: T): Link<T> {
    this.#size += 1;
    lane.turn ??= this.#turns.push(lane);
    return lane.waiting.push(one);
  }

  /** The lane that is next; after that it is behind all others. */
  next(): L | undefined {
    const lane = this.#turns.shift();
    if (lane !== undefined) lane.turn = this.#turns.push(lane);
    return lane;
  }

  /** Of the lanes that are next, the one that has the most waiting. */
  greediest(): L | undefined {
    let greediest: L | undefined;
    for (let n = Math.min(COMPARED, this.lanes); n > 0; n -= 1) {
      const lane = this.next();
      if (lane !== undefined && lane.waiting.size > (greediest?.waiting.size ?? 0)) greediest = lane;
    }
    return greediest;
  }

  /** Takes a lane's first out. */
  take(lane: L): T | undefined {
    const one = lane.waiting.shift();
    if (one !== undefined) this.#left(lane);
    return one;
  }

  /** Takes one out that is in the line, wherever it stands. */
  remove(lane: L, link: Link<T>): void {
    if (!link.inside) return;
    lane.waiting.remove(link);
    this.#left(lane);
  }

  #left(lane: L): void {
    this.#size -= 1;
    if (lane.waiting.size > 0 || lane.turn === undefined) return;
    this.#turns.remove(lane.turn);
    lane.turn = undefined;
  }
}

import { LinkedList, type Link } from "./linked-list.ts";

/** Parties that are compared for the one that has the most in the line. */
const COMPARED = 16;

/** A party takes turns with the others: an address, or a single socket behind a trusted proxy. */
export interface Party<T> {
  /** Its sockets that wait, in order. */
  readonly waiting: LinkedList<T>;
  /** Its place in the line, while it has any that wait. */
  turn: Link<this> | undefined;
}

/**
 * Sockets that wait to be read: in order for each party, and one of each party in turn. So a party with thousands in the
 * line delays the others by one at a time. Everything here takes constant time.
 */
export class WaitingLine<T, P extends Party<T>> {
  readonly #turns = new LinkedList<P>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Parties of which some wait. */
  get parties(): number {
    return this.#turns.size;
  }

  /** Adds one behind the others of its party. */
  push(party: P, one: T): Link<T> {
    this.#size += 1;
    party.turn ??= this.#turns.push(party);
    return party.waiting.push(one);
  }

  /** The party that is next; after that it is behind all others. */
  next(): P | undefined {
    const party = this.#turns.shift();
    if (party !== undefined) party.turn = this.#turns.push(party);
    return party;
  }

  /** Of the parties that are next, the one that has the most waiting. */
  greediest(): P | undefined {
    let greediest: P | undefined;
    for (let n = Math.min(COMPARED, this.parties); n > 0; n -= 1) {
      const party = this.next();
      if (party !== undefined && party.waiting.size > (greediest?.waiting.size ?? 0)) greediest = party;
    }
    return greediest;
  }

  /** Takes a party's first out. */
  take(party: P): T | undefined {
    const one = party.waiting.shift();
    if (one !== undefined) this.#left(party);
    return one;
  }

  /** Takes one out that is in the line, wherever it stands. */
  remove(party: P, link: Link<T>): void {
    if (!link.inside) return;
    party.waiting.remove(link);
    this.#left(party);
  }

  #left(party: P): void {
    this.#size -= 1;
    if (party.waiting.size > 0 || party.turn === undefined) return;
    this.#turns.remove(party.turn);
    party.turn = undefined;
  }
}

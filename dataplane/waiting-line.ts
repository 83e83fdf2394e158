import { LinkedList, type Link } from "./linked-list.ts";

/** Whose turn it is to have one of its own read: an address, or a single socket behind a trusted proxy. */
export interface Party<T> {
  /** Its own that wait, in order. */
  readonly waiting: LinkedList<T>;
  /** Its place in the line, while it has any that wait. */
  turn: Link<this> | undefined;
}

/**
 * Those that wait to be read: in order for each party, and one of each party in turn. So a party with thousands in the
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

  /** The party whose turn it is; its next turn is behind all others. */
  next(): P | undefined {
    const party = this.#turns.shift();
    if (party !== undefined) party.turn = this.#turns.push(party);
    return party;
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

/** One item's position in a list. */
export interface Link<T> {
  readonly item: T;
  before: Link<T> | undefined;
  after: Link<T> | undefined;
  inside: boolean;
}

/**
 * Items in the order in which they came, added and taken out anywhere in constant time. A Set does not do: its first
 * item is found behind all that were deleted before it.
 */
export class LinkedList<T> {
  #first: Link<T> | undefined;
  #last: Link<T> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | undefined {
    return this.#first?.item;
  }

  get last(): Link<T> | undefined {
    return this.#last;
  }

  /** Adds at the end. */
  push(item: T): Link<T> {
    const link: Link<T> = { item, before: this.#last, after: undefined, inside: true };
    if (this.#last === undefined) this.#first = link;
    else this.#last.after = link;
    this.#last = link;
    this.#size += 1;
    return link;
  }

  /** Takes the first item out. */
  shift(): T | undefined {
    const link = this.#first;
    if (link !== undefined) this.remove(link);
    return link?.item;
  }

  /** Takes an item of this list out; a second time does nothing. */
  remove(link: Link<T>): void {
    if (!link.inside) return;
    link.inside = false;
    if (link.before === undefined) this.#first = link.after;
    else link.before.after = link.after;
    if (link.after === undefined) this.#last = link.before;
    else link.after.before = link.before;
    this.#size -= 1;
  }
}

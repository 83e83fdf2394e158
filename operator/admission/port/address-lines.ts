/**
 * What waits, in a line for each address. `next` serves the addresses in turn, so that one with a long line keeps no other
 * waiting; of a line it takes the newest: where callers share an address, those that gave up are at its end.
 */
export class AddressLines<T> {
  readonly #lines = new Map<string, T[]>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(address: string, item: T): void {
    const line = this.#lines.get(address);
    if (line === undefined) this.#lines.set(address, [item]);
    else line.push(item);
    this.#size += 1;
  }

  /** Takes out an item that does not wait any longer; false: it did not wait. */
  delete(address: string, item: T): boolean {
    const line = this.#lines.get(address) ?? [];
    const at = line.lastIndexOf(item);
    if (at === -1) return false;
    line.splice(at, 1);
    if (line.length === 0) this.#lines.delete(address);
    this.#size -= 1;
    return true;
  }

  /** The next item, of the addresses that `may` is true for. */
  next(may: (address: string) => boolean = () => true): T | undefined {
    for (const [address, line] of this.#lines) {
      if (!may(address)) continue;
      const item = line.pop();
      this.#lines.delete(address);
      if (line.length > 0) this.#lines.set(address, line);
      this.#size -= 1;
      return item;
    }
    return undefined;
  }
}

import { digestOf } from "../bucket-key.ts";
import { Unavailable, type Link } from "../link.ts";
import { kindOf, type Occupancy } from "../../occupancy.ts";
import { wasKnown } from "./answers.ts";
import type { PlaceIds } from "./ids.ts";
import { PUBLISH } from "../scripts/publish.ts";

/** How long the store may take for what no handshake waits for, in ms. */
export const PATIENCE = 1_000;
/** Of former ids, those whose fields are deleted as the new ones are written: the others end by themselves. */
const FORMER = 2;

/** Where a call stood among the writes. */
export interface Moment {
  readonly sent: number;
  readonly underWay: number;
}

interface WriterOptions {
  readonly link: () => Link;
  readonly occupancy: Occupancy;
  readonly prefix: string;
  readonly ids: PlaceIds;
  /** How long a subject's key lives, in ms. */
  readonly life: number;
}

/** Writes what this process holds, absolute, for the keys that a limit counts; of others it writes that nothing is held. */
export class PlaceWriter {
  readonly #options: WriterOptions;
  /** Handshakes in the occupancy that are to take their place yet. */
  readonly #early = new Map<string, number>();
  #kinds: ReadonlySet<string> = new Set();
  #sent = 0;
  #underWay = 0;

  constructor(options: WriterOptions) {
    this.#options = options;
  }

  get kinds(): ReadonlySet<string> {
    return this.#kinds;
  }

  set kinds(kinds: ReadonlySet<string>) {
    this.#kinds = kinds;
  }

  isNeeded(key: string): boolean {
    return this.#kinds.has(kindOf(key));
  }

  /** The key of the store. */
  name(key: string): string {
    return `${this.#options.prefix}c:${digestOf(key)}`;
  }

  get now(): Moment {
    return { sent: this.#sent, underWay: this.#underWay };
  }

  /** A write was sent while the call of that moment was under way. */
  followed({ sent }: Moment): boolean {
    return sent !== this.#sent;
  }

  /** That call and a write were under way together: the store may have run them in another order. */
  crossed(moment: Moment): boolean {
    return moment.underWay > 0 || this.followed(moment);
  }

  /** Of these keys one handshake each is not written, until it takes its place: `by` 1, then -1. */
  early(keys: readonly string[], by: 1 | -1): void {
    for (const key of keys) {
      const count = (this.#early.get(key) ?? 0) + by;
      if (count > 0) this.#early.set(key, count);
      else this.#early.delete(key);
    }
  }

  /** Rejects with Unavailable, also where the store does not know the id. */
  async write(keys: readonly string[], former: readonly string[] = []): Promise<void> {
    const { link, prefix, ids, life } = this.#options;
    const fields = former.slice(-FORMER);
    const id = ids.current;
    this.#sent += 1;
    this.#underWay += 1;
    try {
      const names = keys.map((key) => this.name(key));
      const held = keys.map((key) => this.#held(key));
      const args = [id, life, fields.length, ...fields, ...held];
      const answer = await link().call(PUBLISH, [`${prefix}pods`, ...names], args, PATIENCE);
      if (!wasKnown(answer)) throw new UnknownId(id);
    } finally {
      this.#underWay -= 1;
    }
  }

  #held(key: string): number {
    if (!this.isNeeded(key)) return 0;
    return Math.max(0, this.#options.occupancy.of(key) - (this.#early.get(key) ?? 0));
  }
}

/** The store thought this process dead, or forgot it: it must join anew, unless it has done so since. */
export class UnknownId extends Unavailable {
  /** As which it was not known. */
  readonly id: string;

  constructor(id: string) {
    super("it does not know this pod");
    this.id = id;
  }
}

import type { Clock } from "../../../../runtime/clock.ts";
import { Doubts } from "./doubts.ts";
import { kindOf, type Occupancy } from "../../occupancy.ts";
import type { PlaceTimes } from "./times.ts";
import { BATCH, walk } from "./walk.ts";
import { UnknownId, type PlaceWriter } from "./writer.ts";

/** In this share of a key's life all counts are written once: the walk may slow down while sessions end. */
const ROUNDS = 3;

/** How the process stands with the store. */
export interface Standing {
  /** It has joined, and the store can be asked. */
  readonly ready: boolean;
  /** Throws Unavailable where that is over, or another connection has joined since `turn`. */
  steady(turn: number): void;
  readonly turn: number;
  /** The store does not know this id: joins under another, unless that was done. Never rejects. */
  rejoin(id: string): Promise<void>;
  readonly id: string;
}

interface CountsOptions {
  readonly writer: PlaceWriter;
  readonly occupancy: Occupancy;
  readonly clock: Clock;
  readonly times: PlaceTimes;
  readonly standing: () => Standing;
  /** Sends what was given back and is not sent yet: a write has that in it already, and must not be overtaken. */
  readonly sendGives: () => void;
}

/** Which counts are to be written, and when: those in doubt, those of kinds that changed, and all of them slowly. */
export class PlaceCounts {
  readonly doubts: Doubts;
  readonly #options: CountsOptions;
  /** Kinds that a limit began or ceased to count, until that is written. */
  readonly #changed = new Set<string>();
  #settling = false;
  #round: Iterator<string>;

  constructor(options: CountsOptions) {
    this.#options = options;
    this.doubts = new Doubts(options.clock, options.times, () => void this.settle());
    this.#round = options.occupancy.keys();
  }

  needs(kinds: ReadonlySet<string>): void {
    const { writer } = this.#options;
    const before = writer.kinds;
    for (const kind of [...before, ...kinds]) if (before.has(kind) !== kinds.has(kind)) this.#changed.add(kind);
    writer.kinds = new Set(kinds);
    void this.settle();
  }

  /** Under a new id all counts are to be written; what was in doubt is so no more. Gives that. */
  begin(): readonly string[] {
    this.#changed.clear();
    return this.doubts.begin();
  }

  /** Writes all counts, and takes the former ids off. `check` throws where the work is pointless. */
  async writeAll(doubted: readonly string[], former: readonly string[], check: () => void): Promise<void> {
    const { writer, occupancy } = this.#options;
    const write = async (keys: readonly string[]): Promise<void> => {
      check();
      await writer.write(keys, former);
    };
    await this.#walk(occupancy.keys(), (key) => writer.isNeeded(key), write);
    await this.#walk(doubted.values(), () => true, write);
  }

  /** Writes all that is in doubt. New doubts may come up meanwhile. */
  async writeDoubts(check: () => void): Promise<void> {
    if (this.doubts.overflowed) throw new UnknownId(this.#options.standing().id);
    if (this.#changed.size > 0) await this.#writeChanged(check);
    for (let left = this.doubts.size; left > 0; left -= BATCH) {
      check();
      await this.#write(this.doubts.some(BATCH));
    }
  }

  /** There is nothing to write. */
  get settled(): boolean {
    return this.doubts.size === 0 && this.#changed.size === 0 && !this.doubts.overflowed;
  }

  /** Writes a slice of all counts: keys live on, and what went wrong unnoticed is put right. */
  async walkOn(check: () => void): Promise<void> {
    const { occupancy, writer, times } = this.#options;
    const slice = Math.ceil((occupancy.size * times.renew * ROUNDS) / times.life);
    const write = async (keys: readonly string[]): Promise<void> => {
      check();
      await this.#write(keys);
    };
    const more = await this.#walk(this.#round, (key) => writer.isNeeded(key), write, slice);
    if (!more) this.#round = occupancy.keys();
  }

  async settle(): Promise<void> {
    if (this.#settling || this.settled) return;
    const standing = this.#options.standing();
    if (!standing.ready) return this.doubts.later();
    this.#settling = true;
    const { turn } = standing;
    try {
      do await this.writeDoubts(() => standing.steady(turn));
      while (this.#changed.size > 0);
    } catch (fault) {
      if (fault instanceof UnknownId) void standing.rejoin(fault.id);
    } finally {
      this.#settling = false;
      if (!this.settled) this.doubts.later();
    }
  }

  close(): void {
    this.doubts.close();
  }

  async #writeChanged(check: () => void): Promise<void> {
    const kinds = new Set(this.#changed);
    this.#changed.clear();
    const write = async (keys: readonly string[]): Promise<void> => {
      check();
      await this.#write(keys);
    };
    try {
      await this.#walk(this.#options.occupancy.keys(), (key) => kinds.has(kindOf(key)), write);
    } catch (fault) {
      for (const kind of kinds) this.#changed.add(kind);
      throw fault;
    }
  }

  async #write(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    this.#options.sendGives();
    try {
      await this.#options.writer.write(keys);
    } catch (fault) {
      this.doubts.dirty(keys);
      throw fault;
    }
  }

  #walk(
    keys: Iterator<string>,
    wanted: (key: string) => boolean,
    write: (keys: readonly string[]) => Promise<void>,
    most = Infinity,
  ): Promise<boolean> {
    return walk(keys, most, wanted, write, this.#options.clock);
  }
}

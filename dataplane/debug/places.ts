import { DEBUG } from "../../api/debug.ts";
import type { Clock } from "../../runtime/clock.ts";

/** What a stream that gives its place away is told last. */
export const GAVE_WAY = "a new stream has the place of this one, which was open longest";

/** Why a reader has no stream: it got none, its place went to a new one, or it did not read in time. */
export const STREAM_LOSSES = ["Full", "GaveWay", "Slow"] as const;
export type StreamLoss = (typeof STREAM_LOSSES)[number];

interface Place {
  /** On the monotonic clock. */
  readonly since: number;
  readonly giveWay: () => void;
}

/**
 * The places of the streams of a process. A reader whose machine is gone never says that it leaves, and a tunnel on the way
 * reads on for it: so a new stream gets the place of the one that has been open longest, unless all of them are young.
 */
export class Places {
  readonly #clock: Clock;
  /** Readers without a stream, since the process began. */
  readonly lost: Record<StreamLoss, number> = { Full: 0, GaveWay: 0, Slow: 0 };
  /** Oldest first. */
  readonly #taken = new Set<Place>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get taken(): number {
    return this.#taken.size;
  }

  /** There is no place for a new stream now. */
  get full(): boolean {
    return this.#taken.size >= DEBUG.watchers && this.#old === undefined;
  }

  /**
   * Takes a place; the returned function gives it back, once. undefined: there is none. `giveWay` is called at most once,
   * and ends the stream: the place is needed for another.
   */
  take(giveWay: () => void): (() => void) | undefined {
    if (this.full) {
      this.lost.Full += 1;
      return undefined;
    }
    const old = this.#taken.size < DEBUG.watchers ? undefined : this.#old;
    if (old !== undefined) {
      this.#taken.delete(old);
      this.lost.GaveWay += 1;
      old.giveWay();
    }
    const place = { since: this.#clock.now(), giveWay };
    this.#taken.add(place);
    return () => void this.#taken.delete(place);
  }

  /** The stream that has been open longest, if it is not young. */
  get #old(): Place | undefined {
    const [oldest] = this.#taken;
    return oldest !== undefined && this.#clock.now() - oldest.since >= DEBUG.stays ? oldest : undefined;
  }
}

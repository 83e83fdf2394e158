import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../runtime/clock.ts";
import type { Turns } from "../kube/turns.ts";
import type { Steps } from "../translate/steps.ts";

/** A pass turned out to be a heavy one: it is made again when its turn comes. */
export class TooHeavy extends Error {
  override readonly name = "TooHeavy";
}

/** Bytes that a pass may have in its hands beside fifteen others. */
export const LIGHT = 128 * 1024;

/** What one pass takes: the bytes of texts that it parses and of objects that it reads, and the time that it computes. */
export class Load {
  readonly #most: number;
  #bytes = 0;
  #computed = 0;

  /** `most`: bytes beyond which `add` throws. */
  constructor(most = Number.POSITIVE_INFINITY) {
    this.#most = most;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Milliseconds in which nothing else could be done. */
  get computed(): number {
    return this.#computed;
  }

  /** What is computed, on this clock. */
  timed<T>(clock: Pick<Clock, "now">, compute: () => T): T {
    const began = clock.now();
    try {
      return compute();
    } finally {
      this.#computed += clock.now() - began;
    }
  }

  /** Throws TooHeavy where that is too much; to be called before the bytes are made into objects. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#most) throw new TooHeavy(`${this.#bytes} bytes`);
  }
}

/** Milliseconds that are computed at a stretch: leases are renewed and other proxies served in between. */
const SLICE = 15;

/**
 * Does all steps, a slice in each turn of the event loop: however many passes compute, each gets on by one slice before
 * any of them gets on by the next.
 */
export async function inSlices<T>(
  steps: Steps<T>,
  load: Load,
  { clock, turns, signal }: { readonly clock: Pick<Clock, "now">; readonly turns: Turns; readonly signal: AbortSignal },
): Promise<T> {
  for (;;) {
    const release = await turns.take(signal);
    try {
      const end = clock.now() + SLICE;
      const last = load.timed(clock, () => {
        for (;;) {
          const step = steps.next();
          if (step.done === true || clock.now() >= end) return step;
        }
      });
      if (last.done === true) return last.value;
      await nextTurn();
    } finally {
      release();
    }
  }
}

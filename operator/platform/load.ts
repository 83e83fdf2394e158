import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../runtime/clock.ts";
import type { Turns } from "../kube/turns.ts";
import type { Steps } from "../translate/steps.ts";

/** The pass is a heavy one: it ends, and is made again when its turn comes. */
export class TooHeavy extends Error {
  override readonly name = "TooHeavy";
}

/** Bytes that a light pass may hold, beside fifteen others. */
export const LIGHT = 128 * 1024;

/** What one pass costs: the bytes of texts that it parses and of objects that it reads, and its computing time. */
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

  /** Milliseconds for which the pass held the event loop. */
  get computed(): number {
    return this.#computed;
  }

  /** Adds the time that `compute` takes. */
  timed<T>(clock: Pick<Clock, "now">, compute: () => T): T {
    const began = clock.now();
    try {
      return compute();
    } finally {
      this.#computed += clock.now() - began;
    }
  }

  /** Throws TooHeavy if that is too much; to be called before the bytes become objects. */
  add(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes > this.#most) throw new TooHeavy(`${this.#bytes} bytes`);
  }
}

/** Milliseconds that a pass computes at a stretch: between two slices the Lease is renewed and other passes go on. */
const SLICE = 15;

/**
 * Does all steps, one slice in each turn of the event loop. However many passes compute, each of them does one slice before
 * any does its next one.
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

import type { Clock, Timer } from "../../runtime/clock.ts";
import { wishedWait } from "./api-error.ts";
import { BackOff } from "./back-off.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Keys that are worked on at the same time. */
  readonly concurrency: number;
  /** Does one pass for a key; rejects where it is to be tried again later. Resolves with ms after which to look again. */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | undefined>;
  /** A pass failed, and not because it was aborted; it is tried again after `wait` ms. */
  readonly failed: (key: string, error: unknown, wait: number) => void;
}

const FIRST_WAIT = 500;
const LONGEST_WAIT = 60_000;

/**
 * Keys that somebody should look at: each at most once in the queue, each worked on by one at a time. What is added while
 * its key is being worked on is looked at once more afterwards.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { readonly at: number; readonly timer: Timer }>();
  readonly #backOffs = new Map<string, BackOff>();
  /** Aborts when no more passes may begin. */
  #signal = AbortSignal.abort();
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait now, those that are worked on not counted. */
  get depth(): number {
    return this.#waiting.size + this.#again.size;
  }

  add(key: string): void {
    if (this.#working.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#pump();
  }

  /** Adds a key after `ms`; of several times the earliest counts. Where nobody works, nothing is timed: it is added. */
  addAfter(key: string, ms: number): void {
    if (this.#signal.aborted) return this.add(key);
    const at = this.#options.clock.now() + ms;
    const known = this.#later.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.timer.cancel();
    const timer = this.#options.clock.after(ms, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { at, timer });
  }

  /** Works until aborted; resolves when the passes under way have ended. What is not done yet stays in the queue. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#signal = signal;
    this.#pump();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    for (const [key, { timer }] of this.#later) {
      timer.cancel();
      this.#waiting.add(key);
    }
    this.#later.clear();
    if (this.#working.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    while (!this.#signal.aborted && this.#working.size < this.#options.concurrency) {
      const [key] = this.#waiting;
      if (key === undefined) return;
      this.#waiting.delete(key);
      this.#working.add(key);
      void this.#pass(key, this.#signal);
    }
  }

  async #pass(key: string, signal: AbortSignal): Promise<void> {
    this.#later.get(key)?.timer.cancel();
    this.#later.delete(key);
    let wait: number | undefined;
    try {
      wait = await this.#options.work(key, signal);
      this.#backOffs.delete(key);
    } catch (error) {
      wait = signal.aborted ? 0 : this.#failed(key, error);
    }
    this.#working.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    if (wait !== undefined) this.addAfter(key, wait);
    if (this.#working.size === 0) for (const idle of this.#idle.splice(0)) idle();
    this.#pump();
  }

  /** How long the key waits: longer from failure to failure, and as long as the API server asks. */
  #failed(key: string, error: unknown): number {
    const backOff = this.#backOffs.get(key) ?? new BackOff(FIRST_WAIT, LONGEST_WAIT, this.#options.random);
    this.#backOffs.set(key, backOff);
    const wait = Math.max(backOff.next(), wishedWait(error));
    this.#options.failed(key, error, wait);
    return wait;
  }
}

import type { Clock, Timer } from "../../runtime/clock.ts";
import { BackOff } from "./back-off.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Keys that are worked on at the same time. */
  readonly concurrency: number;
  /** Does one pass for a key; rejects where it is to be tried again later. Resolves with ms after which to look again. */
  readonly work: (key: string) => Promise<number | undefined>;
  /** A pass failed; it is tried again after `wait` ms. */
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
  #running = false;
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

  /** Adds a key after `ms`; of several times the earliest counts. */
  addAfter(key: string, ms: number): void {
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

  /** Works until aborted; resolves when the passes under way have ended. */
  async run(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    this.#running = true;
    this.#pump();
    await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    this.#running = false;
    for (const { timer } of this.#later.values()) timer.cancel();
    this.#later.clear();
    if (this.#working.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    while (this.#running && this.#working.size < this.#options.concurrency) {
      const [key] = this.#waiting;
      if (key === undefined) return;
      this.#waiting.delete(key);
      this.#working.add(key);
      void this.#pass(key);
    }
  }

  async #pass(key: string): Promise<void> {
    this.#later.get(key)?.timer.cancel();
    this.#later.delete(key);
    try {
      const again = await this.#options.work(key);
      this.#backOffs.delete(key);
      if (again !== undefined && this.#running) this.addAfter(key, again);
    } catch (error) {
      const backOff = this.#backOffs.get(key) ?? new BackOff(FIRST_WAIT, LONGEST_WAIT, this.#options.random);
      this.#backOffs.set(key, backOff);
      const wait = backOff.next();
      this.#options.failed(key, error, wait);
      if (this.#running) this.addAfter(key, wait);
    }
    this.#working.delete(key);
    if (this.#again.delete(key)) this.#waiting.add(key);
    if (this.#working.size === 0) for (const idle of this.#idle.splice(0)) idle();
    this.#pump();
  }
}

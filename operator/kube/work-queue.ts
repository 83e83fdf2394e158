import type { Clock, Timer } from "../../runtime/clock.ts";
import { wishedWait } from "./api-error.ts";
import { BackOff } from "./back-off.ts";
import { Pace } from "./pace.ts";

/** What a work queue does for a key, and how many keys at once. */
export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly random: () => number;
  /** Passes of light keys at the same time. */
  readonly concurrency: number;
  /** Are the key's passes so large that only one such pass may run at a time, beside light ones? Default: never. */
  readonly isHeavy?: (key: string) => boolean;
  /**
   * Does one pass for a key. Resolves with the ms after which to make another one, if any. After a Retry, or if it rejects, the
   * queue makes the pass again after a wait that grows from failure to failure.
   */
  readonly work: (key: string, signal: AbortSignal) => Promise<number | Retry | undefined>;
  /** Called when a pass failed, unless it was aborted; the queue tries again after `wait` ms. */
  readonly failed: (key: string, error: unknown, wait: number) => void;
}

/** The end of a pass that is to be made again, as after a failure. */
export interface Retry {
  readonly why: unknown;
  /** The next pass begins no sooner than after this time; ms. */
  readonly leastWait: number;
}

/** Waits after failed passes; ms. */
const FIRST_WAIT = 500;
const LONGEST_WAIT = 60_000;
/** Heavy passes at the same time. After each one, no heavy pass begins for as long as it computed: light ones go first. */
const HEAVY_AT_A_TIME = 1;
/** ms. */
const LONGEST_REST = 1000;

/**
 * Does the passes of keys: a key waits in the queue at most once, and has at most one pass at a time. A key that is added
 * during its pass gets one more pass. A key that is added all the time waits between its passes (`Pace`). Heavy keys wait
 * for each other; light keys never wait for heavy ones.
 */
export class WorkQueue {
  readonly #options: WorkQueueOptions;
  readonly #waiting = new Set<string>();
  readonly #working = new Set<string>();
  readonly #again = new Set<string>();
  readonly #later = new Map<string, { readonly at: number; readonly timer: Timer }>();
  readonly #backOffs = new Map<string, BackOff>();
  /** When a key that fails is to be tried again. */
  readonly #due = new Map<string, number>();
  readonly #pace: Pace;
  readonly #heavy = new Set<string>();
  #resting: Timer | undefined;
  /** Aborts when no more passes may begin. */
  #signal = AbortSignal.abort();
  #idle: (() => void)[] = [];

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#pace = new Pace(options.clock);
  }

  /** Keys that wait for a pass, those included that were added during their own pass. */
  get depth(): number {
    return this.#waiting.size + this.#again.size;
  }

  add(key: string): void {
    if (this.#working.has(key)) this.#again.add(key);
    else this.#enqueue(key);
    this.#pump();
  }

  /** Did the last pass of a key fail, or is it to be tried again? */
  isFailing(key: string): boolean {
    return this.#backOffs.has(key);
  }

  /** `work` calls this before its pass ends: the pass computed for so many ms. */
  spent(key: string, computed: number): void {
    this.#pace.spend(key, computed);
    if (!this.#heavy.has(key) || computed <= 0) return;
    this.#resting?.cancel();
    this.#resting = this.#options.clock.after(Math.min(computed, LONGEST_REST), () => {
      this.#resting = undefined;
      this.#pump();
    });
  }

  /** Adds a key after `ms`; of several times the earliest counts. While the queue does not run, the key is added at once. */
  addAfter(key: string, ms: number): void {
    if (this.#signal.aborted) return this.add(key);
    this.#addLater(key, ms);
  }

  #enqueue(key: string): void {
    const wait = this.#signal.aborted ? 0 : this.#pace.wait(key);
    if (wait > 0) this.#addLater(key, wait);
    else this.#waiting.add(key);
  }

  #addLater(key: string, ms: number): void {
    const at = this.#options.clock.now() + ms;
    const known = this.#later.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.timer.cancel();
    const timer = this.#options.clock.after(Math.ceil(ms), () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { at, timer });
  }

  /** Does passes until aborted; resolves when those under way have ended. Keys that still wait stay in the queue. */
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
    this.#resting?.cancel();
    this.#resting = undefined;
    if (this.#working.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #pump(): void {
    if (this.#signal.aborted) return;
    const { concurrency, isHeavy = () => false } = this.#options;
    const heavy = [...this.#waiting].filter((key) => isHeavy(key));
    if (heavy.length > 0 && this.#heavy.size < HEAVY_AT_A_TIME && this.#resting === undefined) {
      const credits = heavy.map((key) => this.#pace.credit(key));
      // The key with the most credit goes first: a key that seldom changes never waits for those that change all the time.
      this.#begin(heavy[credits.indexOf(Math.max(...credits))] ?? "", true);
    }
    for (const key of this.#waiting) {
      if (this.#working.size - this.#heavy.size >= concurrency) return;
      if (!isHeavy(key)) this.#begin(key, false);
    }
  }

  #begin(key: string, heavy: boolean): void {
    this.#waiting.delete(key);
    this.#working.add(key);
    if (heavy) this.#heavy.add(key);
    void this.#pass(key, this.#signal);
  }

  async #pass(key: string, signal: AbortSignal): Promise<void> {
    this.#later.get(key)?.timer.cancel();
    this.#later.delete(key);
    let wait: number | undefined;
    try {
      const end = await this.#options.work(key, signal);
      if (typeof end === "object") {
        wait = signal.aborted ? 0 : this.#failed(key, end.why, end.leastWait);
      } else {
        wait = end;
        this.#backOffs.delete(key);
        this.#due.delete(key);
      }
    } catch (error) {
      wait = signal.aborted ? 0 : this.#failed(key, error, wishedWait(error));
    }
    this.#working.delete(key);
    this.#heavy.delete(key);
    if (this.#again.delete(key)) this.#enqueue(key);
    if (wait !== undefined) this.addAfter(key, wait);
    if (this.#working.size === 0) for (const idle of this.#idle.splice(0)) idle();
    this.#pump();
  }

  /**
   * Milliseconds until the next attempt: more from failure to failure, and no less than `leastWait`. A pass that an event
   * brought before its time was no such attempt: many of them would put the next one off by a minute.
   */
  #failed(key: string, error: unknown, leastWait: number): number {
    const backOff = this.#backOffs.get(key) ?? new BackOff(FIRST_WAIT, LONGEST_WAIT, this.#options.random);
    this.#backOffs.set(key, backOff);
    const now = this.#options.clock.now();
    const left = (this.#due.get(key) ?? now) - now;
    const wait = Math.max(left > 0 ? left : backOff.next(), leastWait);
    this.#due.set(key, now + wait);
    this.#options.failed(key, error, wait);
    return wait;
  }
}

import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** What is kept for one receiver. */
export interface Consumer {
  /** Memory in bytes, as the budget has counted it. */
  kept: number;
  /** For how many ms it had not taken a tenth of what waits for it, when it was looked at last. */
  readonly stalled: number;
  /** Looks at what it has taken; called once a second, or more often while memory is tight. */
  look(): void;
  /** Gives up what is kept for it, at once. How many sessions end. */
  shed(): number;
}

/** Shares of the budget at which something happens: on the way up, and where it ends on the way down. */
const TIGHT = { from: 0.75, until: 0.65 };
const NEAR = { from: 0.9, until: 0.8 };

/** Bytes that may wait for a receiver before its sender is paused, while the budget is tight. */
const TIGHT_MARK = 16_384;
/** Less than this is neither looked at nor ended: bytes. */
const WORTH_A_LOOK = 4096;
/** Between two looks at what waits, in ms. */
const LOOK = 1000;
const LOOK_TIGHT = 250;
/** Near the budget a receiver ends that has not taken a tenth of what waits for it in this time, in ms. */
const PATIENCE = 1000;
/** Receivers that end in one turn: some 5 ms of work. */
const MOST_IN_A_TURN = 32;
/** Between two lines in the log, in ms. */
const LOG_PAUSE = 10_000;

export interface BudgetOptions {
  /** Bytes; Infinity: no budget. */
  readonly limit: number;
  readonly clock: Clock;
  readonly log?: Pick<Log, "warn" | "info">;
  /** Calls `turn` right after the callback that runs now. */
  readonly soon?: (turn: () => void) => void;
}

/**
 * The memory of all buffers of a process together: counts what waits for each receiver, makes senders pause earlier
 * when it gets tight, and near the limit ends the receivers that keep most for longest.
 */
export class BufferBudget {
  readonly limit: number;
  readonly #clock: Clock;
  readonly #log: BudgetOptions["log"];
  readonly #soon: (turn: () => void) => void;
  /** Consumers for which WORTH_A_LOOK bytes or more are kept. */
  readonly #consumers = new Set<Consumer>();
  /** Consumers that are looked at however few bytes are kept for them. */
  readonly #attended = new Set<Consumer>();
  #used = 0;
  #ended = 0;
  #tight = false;
  #near = false;
  #mark = Number.POSITIVE_INFINITY;
  /** Beyond these something is to be done or undone. */
  #above: number;
  #below = Number.NEGATIVE_INFINITY;
  #timer: Timer | undefined;
  #turnDue = false;
  #more: Timer | undefined;
  #logged = Number.NEGATIVE_INFINITY;

  constructor({ limit, clock, log, soon = queueMicrotask }: BudgetOptions) {
    this.limit = limit;
    this.#clock = clock;
    this.#log = log;
    this.#soon = soon;
    this.#above = limit * TIGHT.from;
  }

  /** Bytes in use. */
  get used(): number {
    return this.#used;
  }

  /** Sessions that ended because memory was short. */
  get ended(): number {
    return this.#ended;
  }

  /** Near the limit: no new session should begin. */
  get near(): boolean {
    return this.#near;
  }

  /** Bytes that may wait for a receiver before its sender is to be paused, whatever its settings say. */
  get mark(): number {
    return this.#mark;
  }

  /** Counts `kept` bytes for a consumer instead of what was counted before. */
  change(consumer: Consumer, kept: number): void {
    const before = consumer.kept;
    consumer.kept = kept;
    this.#used += kept - before;
    if (kept >= WORTH_A_LOOK !== before >= WORTH_A_LOOK) this.#enlist(consumer);
    if (this.#used > this.#above || this.#used < this.#below) this.#step();
  }

  /** Looks at a consumer from now on that does not say by itself when something waits for it. */
  attend(consumer: Consumer): void {
    this.#attended.add(consumer);
    this.#lookLater();
  }

  dismiss(consumer: Consumer): void {
    this.#attended.delete(consumer);
  }

  #enlist(consumer: Consumer): void {
    if (consumer.kept < WORTH_A_LOOK) {
      this.#consumers.delete(consumer);
      return;
    }
    this.#consumers.add(consumer);
    this.#lookLater();
  }

  /** From one degree of shortness to the next. */
  #step(): void {
    const share = this.#used / this.limit;
    const tight = share > (this.#tight ? TIGHT.until : TIGHT.from);
    const near = share > (this.#near ? NEAR.until : NEAR.from);
    if (tight !== this.#tight) this.#tightChanged(tight);
    this.#above = this.limit * (near ? 1 : tight ? NEAR.from : TIGHT.from);
    this.#below = this.limit * (near ? NEAR.until : tight ? TIGHT.until : Number.NEGATIVE_INFINITY);
    if (near !== this.#near) this.#nearChanged(near);
    if (share > 1 && !this.#turnDue) {
      this.#turnDue = true;
      this.#soon(() => this.#turn());
    }
  }

  #tightChanged(tight: boolean): void {
    this.#tight = tight;
    this.#mark = tight ? TIGHT_MARK : Number.POSITIVE_INFINITY;
    if (!tight) return;
    // Looks at all, so that it is known which are slow before any has to end.
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#lookLater();
  }

  #nearChanged(near: boolean): void {
    this.#near = near;
    const now = this.#clock.now();
    if (!near || now - this.#logged < LOG_PAUSE) return;
    this.#logged = now;
    const words = "buffers are near their budget: new sessions are refused, the slowest receivers end";
    this.#log?.warn({ used: this.#used, budget: this.limit }, words);
  }

  #lookLater(): void {
    this.#timer ??= this.#clock.after(this.#tight ? LOOK_TIGHT : LOOK, () => this.#look());
  }

  #look(): void {
    this.#timer = undefined;
    for (const consumer of this.#attended) consumer.look();
    for (const consumer of this.#consumers) if (!this.#attended.has(consumer)) consumer.look();
    if (this.#near) this.#end(this.limit * NEAR.until, PATIENCE);
    if (this.#consumers.size + this.#attended.size === 0) return;
    this.#lookLater();
  }

  /** Over the budget: some end. Where that is not enough others do, after whatever comes next: more bytes, or nothing. */
  #turn(): void {
    this.#more?.cancel();
    this.#more = undefined;
    const ended = this.#used > this.limit && this.#end(this.limit * NEAR.from, 0);
    this.#turnDue = false;
    if (ended && this.#used > this.limit) this.#more = this.#clock.after(0, () => this.#turn());
  }

  /** Ends those that have stalled for `patience` ms, until `enough` bytes are in use. Did any end? */
  #end(enough: number, patience: number): boolean {
    let ended = false;
    for (const consumer of worstOf(this.#consumers, patience)) {
      if (this.#used <= enough) break;
      ended = true;
      this.#ended += consumer.shed();
    }
    return ended;
  }
}

/** As many as end in one turn, worst first: by what is kept for them and for how long. One pass, since there may be thousands. */
function worstOf(consumers: Iterable<Consumer>, patience: number): Consumer[] {
  const worst: { readonly consumer: Consumer; readonly weight: number }[] = [];
  let least = -1;
  for (const consumer of consumers) {
    // Where none has stalled yet, the fullest is the worst.
    const weight = consumer.kept * (consumer.stalled + 1);
    if (consumer.stalled < patience || weight <= least) continue;
    let at = worst.length;
    while (at > 0 && (worst[at - 1]?.weight ?? 0) < weight) at -= 1;
    worst.splice(at, 0, { consumer, weight });
    if (worst.length <= MOST_IN_A_TURN) continue;
    worst.pop();
    least = worst.at(-1)?.weight ?? -1;
  }
  return worst.map(({ consumer }) => consumer);
}

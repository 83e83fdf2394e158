import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { BufferBudget, Consumer } from "../process/buffer-budget.ts";
import { ciphertextOf, Pace } from "./pace.ts";
import type { TunnelPlan } from "./plan.ts";

/** What a write that waits costs beside its bytes: many small ones must not cost more than a few large ones. */
const WRITE_COST = 512;
/** As much as is read at once: the first write that waits may hold a whole buffer of that size. */
const ONE_READ = 65_536;
/** A TLS socket keeps a write twice, in the clear and encrypted; a large one only once it has got to it. */
const SMALL_WRITE = 16_384;
/** Share of the mark that a receiver must take within the time-out. */
const SHARE = 0.1;
/** Below the mark nothing is held back from a receiver, and it has as many time-outs for the share of what waits. */
const TIMEOUTS_BELOW = 10;

export interface PressureContext {
  readonly clock: Clock;
  readonly budget: BufferBudget;
  /** What the sender's socket may read although it is paused: bytes. */
  readonly ahead: number;
}

export interface PressureEvents {
  /** The receiver has taken enough to go on. */
  eased(): void;
  /** The receiver took too little for the whole time-out. */
  stuck(): void;
  /** Memory is short: what waits for this receiver is to be given up at once. */
  shed(): void;
}

/**
 * Watches what a receiver has not taken yet, and counts it in the budget: above the mark its sender is to be paused,
 * until half of it is gone, and the receiver must take a tenth of the mark within each time-out.
 */
export class Pressure implements Consumer {
  readonly #socket: Socket;
  readonly #secure: boolean;
  readonly #budget: BufferBudget;
  readonly #clock: Clock;
  readonly #ahead: number;
  readonly #events: PressureEvents;
  #settings: TunnelPlan["slowConsumer"];
  #timer: Timer | undefined;
  /** Writes of which the end has not been told. */
  #writes = 0;
  #held = 0;
  /** Something is held back at each look from then on. */
  #heldSince = Number.POSITIVE_INFINITY;
  /** Above the mark. */
  #pace: Pace | undefined;
  /** As long as anything waits. */
  #rest: Pace | undefined;
  #looked = false;
  #stopped = false;
  #released = false;
  on = false;
  kept = 0;
  stalled = 0;

  constructor(
    socket: Socket,
    settings: TunnelPlan["slowConsumer"],
    { clock, budget, ahead }: PressureContext,
    events: PressureEvents,
  ) {
    this.#socket = socket;
    this.#secure = socket instanceof TLSSocket;
    this.#settings = settings;
    this.#clock = clock;
    this.#budget = budget;
    this.#ahead = ahead;
    this.#events = events;
  }

  apply(settings: TunnelPlan["slowConsumer"]): void {
    this.#settings = settings;
    this.#ease();
  }

  /** After a write: is the receiver behind by more than the mark? */
  check(): boolean {
    const bytes = this.#socket.writableLength;
    if (bytes === 0 && this.kept === 0) return this.on;
    this.#count(bytes);
    if (this.on || this.#stopped || this.#cost(bytes) <= this.#mark) return this.on;
    this.on = true;
    this.#count(bytes);
    // Where many small writes make up the mark, fewer bytes than that wait; where it is small, one read is more.
    const quota = SHARE * Math.min(bytes, Math.max(this.#settings.maxBuffered, ONE_READ));
    this.#pace ??= new Pace(this.#socket);
    this.#pace.begin(this.#clock.now());
    this.#watch(this.#pace, quota);
    return true;
  }

  /** Before every write. */
  writing(): void {
    this.#writes += 1;
  }

  /** Callback of every write; made once. */
  readonly written = (): void => {
    this.#writes -= 1;
    if (this.kept > 0) this.#count(this.#socket.writableLength);
    this.#ease();
  };

  /** Bytes that are not written yet, and wait for this receiver all the same. */
  holding(bytes: number): void {
    this.#held = bytes;
    this.#count(this.#socket.writableLength);
  }

  /** Of the budget: how long has the receiver taken less than a share of what waits, or something been held back? */
  look(): void {
    const now = this.#clock.now();
    const bytes = this.#socket.writableLength;
    this.#heldSince = this.#held === 0 ? now : Math.min(this.#heldSince, now);
    if (bytes === 0) {
      this.#looked = false;
      this.stalled = now - this.#heldSince;
      return;
    }
    this.#rest ??= new Pace(this.#socket);
    if (!this.#looked) this.#rest.begin(now);
    this.#looked = true;
    this.stalled = this.#rest.owed(SHARE * bytes, now);
    if (this.on || this.#stopped || this.stalled < TIMEOUTS_BELOW * this.#settings.timeout) return;
    this.stop();
    this.#events.stuck();
  }

  /** Of the budget. A session that has ended, and is only waited for, ends no second time. */
  shed(): number {
    const ends = this.#stopped ? 0 : 1;
    this.#events.shed();
    return ends;
  }

  /** The receiver is waited for in another way from now on, or not at all. What waits for it still counts. */
  stop(): void {
    this.#stopped = true;
    this.#off();
    this.#count(this.#socket.writableLength);
  }

  /** The receiver is gone: nothing waits for it any more. */
  release(): void {
    this.stop();
    this.#released = true;
    this.#count(0);
  }

  /** Bytes that may wait, each write with what it costs. */
  get #mark(): number {
    return Math.min(this.#settings.maxBuffered, this.#budget.mark);
  }

  #cost(bytes: number): number {
    return bytes === 0 ? 0 : bytes + this.#writes * WRITE_COST;
  }

  #count(bytes: number): void {
    let kept = this.#held + (this.on ? this.#ahead : 0);
    if (this.#released) kept = 0;
    else if (bytes > 0) kept += this.#cost(bytes) + this.#beside(bytes);
    if (kept !== this.kept) this.#budget.change(this, kept);
    if (kept === 0) this.#looked = false;
  }

  /** Memory beside what waits. */
  #beside(bytes: number): number {
    if (!this.#secure) return ONE_READ;
    return bytes <= SMALL_WRITE ? bytes : ciphertextOf(this.#socket);
  }

  #ease(): void {
    if (!this.on || this.#cost(this.#socket.writableLength) > this.#mark / 2) return;
    this.#off();
    this.#count(this.#socket.writableLength);
    this.#events.eased();
  }

  #off(): void {
    this.on = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #watch(pace: Pace, quota: number): void {
    const { timeout } = this.#settings;
    if (!Number.isFinite(timeout)) return;
    this.#timer = this.#clock.after(Math.max(1, timeout / 8), () => {
      if (pace.owed(quota, this.#clock.now()) < this.#settings.timeout) return this.#watch(pace, quota);
      this.stop();
      this.#events.stuck();
    });
  }
}

import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { BufferBudget, Consumer } from "../process/buffer-budget.ts";
import { ciphertextOf, Pace } from "./pace.ts";
import type { TunnelPlan } from "./plan.ts";

/** Memory that an unflushed write costs beside its bytes: without it many small writes would look cheap. */
const WRITE_COST = 512;
/** Bytes of one read: the first unflushed write may hold a whole buffer of that size. */
const ONE_READ = 65_536;
/** A TLS socket keeps a small write twice, in the clear and encrypted; a large one only when its turn has come. */
const SMALL_WRITE = 16_384;
/** Share of the mark that a receiver must take within the time-out. */
const SHARE = 0.1;
/** Below the mark the sender is not paused, and the receiver has this many time-outs for the share of what waits. */
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
  /** The session has ended, and the receiver has taken all that waited for it. */
  taken(): void;
  /** Memory is short: what waits for this receiver is to be given up at once. */
  shed(): void;
}

/** `stopped`: the session has ended; what still waits only counts. `released`: the receiver is gone, nothing counts. */
type PressurePhase = "watching" | "stopped" | "released";

/**
 * Watches what a receiver has not taken yet, and counts it in the budget. Above the mark the sender is to be paused until
 * half of the mark is left, and the receiver must take a tenth of the mark within each time-out.
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
  /** Unflushed writes. */
  #writes = 0;
  #held = 0;
  /** Since then every look has found something held back. */
  #heldSince = Number.POSITIVE_INFINITY;
  /** The receiver's pace above the mark. */
  #pace: Pace | undefined;
  /** The receiver's pace as long as anything waits. */
  #rest: Pace | undefined;
  #looked = false;
  #phase: PressurePhase = "watching";
  on = false;
  /** How often the sender was paused. */
  pauses = 0;
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
    if (this.on || this.#phase !== "watching" || this.#cost(bytes) <= this.#mark) return this.on;
    this.on = true;
    this.pauses += 1;
    this.#count(bytes);
    // Many small writes reach the mark with fewer bytes than the mark, and one read may be more than a small mark.
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
    if (this.kept > 0) this.#countWritten();
    this.#ease();
  };

  /** Counts bytes that are held back before they are written to this receiver. */
  holding(bytes: number): void {
    this.#held = bytes;
    this.#count(this.#socket.writableLength);
  }

  /** Called by the budget: for how long has the receiver taken less than its share, or has something been held back? */
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
    if (this.on || this.#phase !== "watching" || this.stalled < TIMEOUTS_BELOW * this.#settings.timeout) return;
    this.stop();
    this.#events.stuck();
  }

  /** Called by the budget: gives up what waits. Returns how many sessions end: none where this one has ended already. */
  shed(): number {
    const ends = this.#phase === "watching" ? 1 : 0;
    this.#events.shed();
    return ends;
  }

  /** The session has ended: a slow receiver ends it no second time. What waits still counts. */
  stop(): void {
    if (this.#phase === "watching") this.#phase = "stopped";
    this.#off();
    this.#count(this.#socket.writableLength);
  }

  /** The receiver is gone: nothing waits for it any more. */
  release(): void {
    this.#phase = "released";
    this.#off();
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
    if (this.#phase === "released") kept = 0;
    else if (bytes > 0) kept += this.#cost(bytes) + this.#beside(bytes);
    if (kept !== this.kept) this.#budget.change(this, kept);
    if (kept === 0) this.#looked = false;
  }

  #countWritten(): void {
    this.#count(this.#socket.writableLength);
    if (this.kept === 0 && this.#phase === "stopped") this.#events.taken();
  }

  /** Memory beside the bytes that wait. */
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

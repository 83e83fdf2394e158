import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { TunnelPlan } from "./plan.ts";

/** What a write that waits costs beside its bytes: many small ones must not cost more than a few large ones. */
const WRITE_COST = 512;

export interface PressureEvents {
  /** The receiver has taken enough to go on. */
  eased(): void;
  /** The receiver took nothing for the whole time-out. */
  stuck(): void;
}

/** Watches what a receiver has not taken yet: above the mark its sender is to be paused, until half of it is gone. */
export class Pressure {
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #events: PressureEvents;
  #settings: TunnelPlan["slowConsumer"];
  #timer: Timer | undefined;
  #state = "";
  #since = 0;
  /** Writes of which the end has not been told. */
  #writes = 0;
  on = false;

  constructor(socket: Socket, settings: TunnelPlan["slowConsumer"], clock: Clock, events: PressureEvents) {
    this.#socket = socket;
    this.#settings = settings;
    this.#clock = clock;
    this.#events = events;
  }

  apply(settings: TunnelPlan["slowConsumer"]): void {
    this.#settings = settings;
    this.#ease();
  }

  /** After a write: is the receiver behind by more than the mark? */
  check(): boolean {
    if (this.on || this.#waiting <= this.#settings.maxBuffered) return this.on;
    this.on = true;
    this.#state = progressOf(this.#socket);
    this.#since = this.#clock.now();
    this.#watch();
    return true;
  }

  /** Before every write. */
  writing(): void {
    this.#writes += 1;
  }

  /** Callback of every write; made once. */
  readonly written = (): void => {
    this.#writes -= 1;
    this.#ease();
  };

  /** Memory held by what the receiver has not taken. */
  get #waiting(): number {
    const bytes = this.#socket.writableLength;
    return bytes === 0 ? 0 : bytes + this.#writes * WRITE_COST;
  }

  #ease(): void {
    if (!this.on || this.#waiting > this.#settings.maxBuffered / 2) return;
    this.stop();
    this.#events.eased();
  }

  stop(): void {
    this.on = false;
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #watch(): void {
    const { timeout } = this.#settings;
    if (!Number.isFinite(timeout)) return;
    this.#timer = this.#clock.after(Math.max(1, timeout / 8), () => {
      const state = progressOf(this.#socket);
      const now = this.#clock.now();
      if (state !== this.#state) {
        this.#state = state;
        this.#since = now;
      }
      if (now - this.#since < this.#settings.timeout) return this.#watch();
      this.stop();
      this.#events.stuck();
    });
  }
}

/**
 * Changes whenever the receiver's kernel has taken something while nothing new is written. libuv's own queue tells of
 * progress within one large write; where a Node version no longer shows it, whole writes still count.
 */
export function progressOf(socket: Socket): string {
  const handle = (socket as { _handle?: { writeQueueSize?: number } | null })._handle;
  return `${socket.writableLength} ${handle?.writeQueueSize ?? 0}`;
}

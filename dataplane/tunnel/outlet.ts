import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { TunnelPlan } from "./plan.ts";
import { Pressure, type PressureEvents, type PressureSurroundings } from "./pressure.ts";

/** Longest wait for the end of a frame before a Close frame of ours, in ms. */
const FRAME_WAIT = 1000;

export interface OutletEvents extends PressureEvents {
  /** The last has been written: what still comes is of no use. */
  discard(): void;
}

/** Where a direction's bytes go: forwarded ones at once, frames of ours between two frames, and one last one. */
export class Outlet {
  readonly pressure: Pressure;
  readonly #socket: Socket;
  readonly #clock: Clock;
  readonly #events: OutletEvents;
  /** A TLS socket takes nothing at once. */
  readonly #slow: boolean;
  /** A frame of ours that waits for the end of the current frame. */
  #pending: Buffer | undefined;
  /** The last frame, which waits likewise. */
  #last: { readonly frame: Buffer | undefined; readonly timer: Timer } | undefined;
  #closing = false;

  constructor(
    socket: Socket,
    settings: TunnelPlan["slowConsumer"],
    surroundings: PressureSurroundings,
    events: OutletEvents,
  ) {
    this.#socket = socket;
    this.#clock = surroundings.clock;
    this.#events = events;
    this.#slow = socket instanceof TLSSocket;
    this.pressure = new Pressure(socket, settings, surroundings, events);
  }

  /** What was written last may not have been taken. */
  get behind(): boolean {
    return this.#slow || this.waits;
  }

  /** What was written last has not been taken. */
  get waits(): boolean {
    return this.#socket.writableLength > 0;
  }

  write(bytes: Buffer): void {
    if (!this.#socket.writable) return;
    this.pressure.writing();
    this.#socket.write(bytes, this.pressure.written);
  }

  /** A frame of ours, now or at the end of the current frame. */
  inject(frame: Buffer, midFrame: boolean): void {
    if (midFrame) this.#pending = frame;
    else this.write(frame);
  }

  /** A frame of ours still waits for its turn. */
  get injecting(): boolean {
    return this.#pending !== undefined;
  }

  /** Something waits for the end of the current frame: tell it with `frameEnded`. */
  get waiting(): boolean {
    return this.#pending !== undefined || this.#last !== undefined;
  }

  /** All of the current frame has been written. */
  frameEnded(): void {
    if (this.#last !== undefined) return this.#end(this.#last.frame);
    const frame = this.#pending;
    this.#pending = undefined;
    if (frame !== undefined) this.write(frame);
  }

  /** The last has been written, or waits. */
  get finishing(): boolean {
    return this.#closing;
  }

  /** The last: a Close frame of ours, if given, and the end of the socket; `wait`: behind the current frame, if that comes. */
  finish(frame: Buffer | undefined, wait: boolean): void {
    this.#closing = true;
    if (wait) this.#last = { frame, timer: this.#clock.after(FRAME_WAIT, () => this.#end(undefined)) };
    else this.#end(frame);
  }

  stop(): void {
    this.pressure.release();
    this.#last?.timer.cancel();
  }

  #end(frame: Buffer | undefined): void {
    this.#last?.timer.cancel();
    this.#last = undefined;
    if (frame !== undefined) this.write(frame);
    if (this.#socket.writable) this.#socket.end();
    this.#events.discard();
  }
}

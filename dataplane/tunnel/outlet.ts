import type { Socket } from "node:net";
import { TLSSocket } from "node:tls";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { TunnelPlan } from "./plan.ts";
import { Pressure, type PressureContext, type PressureEvents } from "./pressure.ts";

/** Longest wait for the end of a frame before a Close frame of ours, in ms. */
const FRAME_WAIT = 1000;

export interface OutletEvents extends PressureEvents {
  /** The outlet has finished: what still comes cannot be written. */
  discard(): void;
  /** Our Close frame has been written. */
  closeSent(frame: Buffer): void;
}

/**
 * `finishing`: the last is to be written at the end of the current frame. `finished`: it has been written. `hungUp`: and
 * the FIN.
 */
type OutletPhase = "writing" | "finishing" | "finished" | "hungUp";

/**
 * Writes one direction's bytes to its receiver: forwarded ones at once, frames of ours between two frames, and the end.
 * A Close frame of ours leaves the socket open for writing (RFC 6455 §7.1.1): some clients that read a FIN right behind
 * messages and a Close frame report 1006.
 */
export class Outlet {
  readonly pressure: Pressure;
  readonly socket: Socket;
  readonly #clock: Clock;
  readonly #events: OutletEvents;
  /** A TLS socket never completes a write at once. */
  readonly #secure: boolean;
  #phase: OutletPhase = "writing";
  /** A frame of ours that waits for the end of the current frame; while `finishing`, the last. */
  #due: Buffer | undefined;
  #timer: Timer | undefined;
  /** The FIN is to follow the last at once. */
  #hangsUp = false;

  constructor(socket: Socket, settings: TunnelPlan["slowConsumer"], context: PressureContext, events: OutletEvents) {
    this.socket = socket;
    this.#clock = context.clock;
    this.#events = events;
    this.#secure = socket instanceof TLSSocket;
    this.pressure = new Pressure(socket, settings, context, events);
  }

  /** The receiver may have unflushed writes. */
  get behind(): boolean {
    return this.#secure || this.waits;
  }

  /** The receiver has unflushed writes. */
  get waits(): boolean {
    return this.socket.writableLength > 0;
  }

  write(bytes: Buffer): void {
    if (!this.socket.writable) return;
    this.pressure.writing();
    this.socket.write(bytes, this.pressure.written);
  }

  /** Writes a frame of ours, now or at the end of the current frame. */
  inject(frame: Buffer, midFrame: boolean): void {
    if (this.#phase !== "writing") return;
    if (midFrame) this.#due = frame;
    else this.write(frame);
  }

  /** A frame of ours still waits for its turn. */
  get injecting(): boolean {
    return this.#due !== undefined;
  }

  /** The end of the current frame is to be told with `frameEnded`. */
  get waiting(): boolean {
    return this.#due !== undefined;
  }

  /** All of the current frame has been written. False: the outlet has finished. */
  frameEnded(): boolean {
    const frame = this.#due;
    this.#due = undefined;
    if (this.#phase === "finishing") this.#end(frame);
    else if (frame !== undefined) this.write(frame);
    return this.#phase === "writing";
  }

  /** Writes the last: a Close frame of ours, or FIN without one. Only the first call of this and the next counts. */
  finish(frame: Buffer | undefined): void {
    if (this.#phase === "writing") this.#end(frame);
  }

  /** The same behind the current frame; if that does not end in time, FIN without the Close frame. */
  finishBehindFrame(frame: Buffer | undefined): void {
    if (this.#phase !== "writing") return;
    this.#phase = "finishing";
    this.#due = frame;
    this.#timer = this.#clock.after(FRAME_WAIT, () => this.#end(undefined));
  }

  /** FIN, behind the last: that has been written, or was not ours, or cannot be written any more. */
  hangUp(): void {
    if (this.#phase === "finished") this.#fin();
    else this.#end(undefined);
  }

  /** The FIN is to follow the last as soon as that is written. */
  hangUpBehindLast(): void {
    if (this.#phase === "finished") this.#fin();
    this.#hangsUp = true;
  }

  stop(): void {
    this.#phase = "hungUp";
    this.#timer?.cancel();
    this.pressure.release();
  }

  #end(frame: Buffer | undefined): void {
    if (this.#phase === "finished" || this.#phase === "hungUp") return;
    this.#phase = "finished";
    this.#due = undefined;
    this.#timer?.cancel();
    if (frame !== undefined) this.#writeClose(frame);
    if (frame === undefined || this.#hangsUp) this.#fin();
    this.pressure.stop(); // counts the last frame too
    this.#events.discard();
  }

  #writeClose(frame: Buffer): void {
    if (!this.socket.writable) return;
    this.write(frame);
    this.#events.closeSent(frame);
  }

  #fin(): void {
    this.#phase = "hungUp";
    if (this.socket.writable) this.socket.end();
  }
}

import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ByteSink, ByteSource } from "./byte-source.ts";
import type { FlowEvents, FlowOptions } from "./flow-options.ts";
import { flowStep, type FlowAction, type FlowEvent, type FlowPhase } from "./flow-phases.ts";
import { closeCode } from "./control-frames.ts";
import { Discard } from "./discard.ts";
import type { FrameTap } from "./frame-tap.ts";
import { FrameWalk, type WalkEvents } from "./frame-walk.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";
import { Outlet, type OutletEvents } from "./outlet.ts";
import { readOf } from "./pace.ts";
import type { DirectionPlan, TunnelPlan } from "./plan.ts";
import type { Termination } from "../rejection.ts";
import type { Moment } from "./timeline.ts";
import { ToldPauses } from "./told-pauses.ts";

/** For a source's last answers to a receiver that broke the protocol, in ms. */
export const ANSWERS = 500;

/**
 * One direction of a tunnel: reads its source, lets the frame walk forward what it may, and ends as the table of
 * `flow-phases.ts` says.
 */
export class Flow implements ByteSink, OutletEvents, WalkEvents {
  readonly #events: FlowEvents<Flow>;
  readonly #clock: Clock;
  readonly #source: ByteSource;
  readonly #loop: LoopShare;
  readonly #walk: FrameWalk;
  readonly #outlet: Outlet;
  #phase: FlowPhase = "forwarding";
  /** Our own Close frame, for the end of this direction. */
  #closeFrame: Buffer | undefined;
  #timer: Timer | undefined;
  /** Reads the source once nothing of it is forwarded any more. */
  #discard: Discard | undefined;
  /** The source has sent its Close frame, while it was still forwarded. */
  #sawClose = false;
  /** Made at the first pause. */
  #toldPauses: ToldPauses | undefined;

  constructor(options: FlowOptions<Flow>) {
    const { source, receiver, slowConsumer, clock, budget, loop, events } = options;
    this.#events = events;
    this.#clock = clock;
    this.#source = source;
    this.#loop = loop;
    this.#outlet = new Outlet(receiver, slowConsumer, { clock, budget, ahead: source.ahead }, this);
    this.#walk = new FrameWalk(options, this.#outlet, this);
    source.to(this);
  }

  /** Begins with what has been read already. */
  start(early: Buffer): void {
    if (early.length > 0) this.bytes(early);
    this.resume();
  }

  apply(plan: DirectionPlan, slowConsumer: TunnelPlan["slowConsumer"]): void {
    this.#walk.judge.apply(plan);
    this.#outlet.pressure.apply(slowConsumer);
    this.#walk.reckonAnew();
  }

  /** Shows each frame to `tap` from now on; undefined: to none any more. */
  trace(tap: FrameTap | undefined): void {
    this.#walk.tap = tap;
  }

  get receiver(): Socket {
    return this.#outlet.socket;
  }

  /** When the source last sent a part of a message, on the monotonic clock. */
  get active(): number {
    return this.#walk.judge.active;
  }

  /** The receiver is in the middle of a frame. */
  get midFrame(): boolean {
    return this.#walk.judge.midFrame;
  }

  /** The receiver has not taken what it got. */
  get pressed(): boolean {
    return this.#outlet.pressure.on;
  }

  /** Reads no further for now. */
  get paused(): boolean {
    return this.#outlet.pressure.on || this.#walk.pausing;
  }

  /** How often a limit, or the receiver's pace, has paused the source. */
  get pauses(): number {
    return this.#outlet.pressure.pauses + this.#walk.pauses;
  }

  /** Bytes that have been read of the source's socket, at whatever layer: a part of a frame or of a TLS record counts. */
  get read(): number {
    return readOf(this.#source.socket);
  }

  /** Bytes that wait here. */
  get held(): number {
    return this.#walk.length;
  }

  get behind(): boolean {
    return this.#outlet.behind;
  }

  get waits(): boolean {
    return this.#outlet.waits;
  }

  get replacesClose(): boolean {
    return this.#phase === "concluding" || this.#phase === "concludingRest";
  }

  get #forwards(): boolean {
    return this.#phase !== "discarding" && this.#phase !== "stopped";
  }

  /** Puts a control frame of ours into the stream, at once or at the end of the current frame. */
  inject(frame: Buffer): void {
    if (this.#forwards) this.#outlet.inject(frame, this.midFrame);
  }

  /** A frame of ours still waits for its turn. */
  get injecting(): boolean {
    return this.#outlet.injecting;
  }

  /**
   * The last of this direction: our Close frame, or FIN if none is given. In the middle of a frame it waits for the
   * frame's end if `wait`; else FIN comes at once, without a Close frame.
   */
  finish(frame: Buffer | undefined, wait: boolean): void {
    this.#closeFrame = frame;
    this.#on(wait ? "finishBehindFrame" : "finish");
  }

  /** Finishes when the source has ended or closed, after `ANSWERS` ms at the latest; our Close frame replaces the source's. */
  conclude(frame: Buffer): void {
    this.#closeFrame = frame;
    this.#on("conclude");
  }

  /** FIN, behind the last of this direction: the receiver has answered our Close frame, or sends no more. */
  hangUp(): void {
    this.#on("hangUp");
  }

  /** Of the tunnel and of the outlet: nothing more is to be forwarded. */
  discard(): void {
    this.#on("discard");
  }

  /** The receiver is gone, and what waited for it. */
  release(): void {
    this.#outlet.pressure.release();
  }

  /** The session is over. */
  stop(): void {
    this.#on("stop");
  }

  /** Of the outlet: the receiver has caught up. */
  eased(): void {
    this.resume();
  }

  /** Of the outlet: the receiver takes nothing. */
  stuck(): void {
    this.#events.violated(this, { reason: "SlowConsumer", policy: "slowConsumer" });
  }

  /** Of the outlet. */
  taken(): void {
    this.#events.taken(this);
  }

  /** Of the outlet. */
  shed(): void {
    this.#events.shed(this);
  }

  /** Of the outlet: our Close frame has been written. */
  closeSent(frame: Buffer): void {
    this.#happened("closeSent", closeCode(frame));
  }

  /** Of the walk. */
  closed(code: number): void {
    this.#sawClose = true;
    this.#happened("closeReceived", code);
    this.#on("discard");
    this.#events.closed(this, code);
  }

  /** Of the walk. */
  violated(termination: Termination): void {
    this.#on("discard");
    this.#events.violated(this, termination);
  }

  /** Of the walk. */
  left(bytes: Buffer): void {
    this.#discard?.walk(bytes);
  }

  /** Of the walk. */
  slowed(): void {
    this.#toldPauses ??= new ToldPauses(this.#clock, (what) => this.#happened(what));
    this.#toldPauses.paused();
  }

  /** Of the source. */
  bytes(chunk: Buffer): void {
    if (this.#forwards) this.#walk.take(chunk);
    else this.#discard?.take(chunk);
  }

  /** Of the source. */
  ended(): void {
    this.#on("sourceEnded");
    if (!this.#walk.holds) this.#on("allForwarded");
  }

  /** Of the walk: its pause is over. */
  resume(): void {
    if (!this.#forwards || this.paused) return;
    this.#toldPauses?.resumed();
    this.#walk.goOn();
    if (this.#forwards && !this.paused && !this.#walk.holds) this.#on("allForwarded");
  }

  #happened(what: Moment, code?: number): void {
    this.#events.happened(this, what, Number.isNaN(code) ? undefined : code);
  }

  #on(event: FlowEvent): void {
    const { next, actions } = flowStep(this.#phase, event);
    if (next !== undefined) this.#phase = next; // first: an action may cause the next event
    for (const action of actions) this.#perform(action);
  }

  #perform(action: FlowAction): void {
    switch (action) {
      case "startTimer":
        this.#timer = this.#clock.after(ANSWERS, () => this.#on("timeUp"));
        return;
      case "stopTimer":
        return this.#timer?.cancel();
      case "finish":
        return this.#outlet.finish(this.midFrame ? undefined : this.#closeFrame);
      case "finishBehindFrame":
        if (this.midFrame) this.#outlet.finishBehindFrame(this.#closeFrame);
        else this.#outlet.finish(this.#closeFrame);
        return;
      case "hangUp":
        return this.#outlet.hangUp();
      case "hangUpBehindLast":
        return this.#outlet.hangUpBehindLast();
      case "discard":
        return this.#beginToDiscard();
      case "resumeSource":
        return this.#source.resume();
      case "announceEnded":
        return this.#events.ended(this);
      case "stop":
        this.#walk.leave();
        this.#discard?.stop();
        return this.#outlet.stop();
    }
  }

  #beginToDiscard(): void {
    this.#outlet.pressure.stop();
    const discard = new Discard(this.#source, this.#loop, (code) => {
      this.#happened("closeReceived", code);
      this.#events.answered(this);
    });
    this.#discard = discard;
    discard.begin(this.#walk.judge.remaining, this.#sawClose);
    for (const bytes of this.#walk.leave()) discard.walk(bytes);
    discard.resume();
  }
}

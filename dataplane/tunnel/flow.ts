import type { Clock, Timer } from "../../runtime/clock.ts";
import type { ByteSink, ByteSource } from "./byte-source.ts";
import { closeCode } from "./control-frames.ts";
import type { FlowEvents, FlowOptions } from "./flow-options.ts";
import { FrameJudge } from "./frame-judge.ts";
import { needed } from "./frames.ts";
import { HeldBack } from "./held-back.ts";
import { Outlet, type OutletEvents } from "./outlet.ts";
import { PartialUnit } from "./partial-unit.ts";
import type { DirectionPlan, TunnelPlan } from "./plan.ts";

/** Frames of one read after which others may have their turn. */
const MOST_FRAMES = 64;
/** What is read of a peer after its last word, to see its end: bytes. */
const MOST_DISCARDED = 1_048_576;

/**
 * One direction of a tunnel: walks the frame headers of what the source sends and forwards the bytes as they are, whole
 * reads at a time. Decides at frame headers only; what it may not forward yet it holds, and reads no further.
 */
export class Flow implements ByteSink, OutletEvents {
  readonly #events: FlowEvents<Flow>;
  readonly #clock: Clock;
  readonly #source: ByteSource;
  readonly #judge: FrameJudge;
  readonly #outlet: Outlet;
  readonly #partial = new PartialUnit();
  readonly #held: HeldBack;
  #sourceEnded = false;
  /** Nothing of the source is looked at any more. */
  #discarding = false;
  /** Bytes that may still be read then. */
  #spare = MOST_DISCARDED;
  /** Our Close frame, which waits for the source's. */
  #conclusion: { readonly frame: Buffer; readonly timer: Timer } | undefined;
  /** Bytes that the source has sent. */
  received = 0;

  constructor(options: FlowOptions<Flow>) {
    const { source, sink, slowConsumer, clock, budget, loop, events } = options;
    this.#events = events;
    this.#clock = clock;
    this.#source = source;
    this.#judge = new FrameJudge(options, clock.now());
    this.#outlet = new Outlet(sink, slowConsumer, { clock, budget, ahead: source.ahead }, this);
    this.#held = new HeldBack(source, clock, loop, this.#outlet.pressure, () => this.#resume());
    source.to(this);
  }

  /** Begins with what has been read already. */
  start(head: Buffer): void {
    if (head.length > 0) this.bytes(head);
    this.#resume();
  }

  apply(plan: DirectionPlan, slowConsumer: TunnelPlan["slowConsumer"]): void {
    this.#judge.apply(plan);
    this.#outlet.pressure.apply(slowConsumer);
    if (!this.#held.pausing) return;
    // How long to wait was reckoned with the old limits.
    this.#held.unpause();
    const debt = this.#judge.limits.byteWait(this.#clock.now());
    if (debt > 0) this.#held.pause(debt);
    else this.#resume();
  }

  /** When the source last sent a part of a message, on the monotonic clock. */
  get active(): number {
    return this.#judge.active;
  }

  /** The sink is in the middle of a frame. */
  get midFrame(): boolean {
    return this.#judge.midFrame;
  }

  /** The sink has not taken what it got. */
  get pressed(): boolean {
    return this.#outlet.pressure.on;
  }

  /** Reads no further for now. */
  get paused(): boolean {
    return this.#outlet.pressure.on || this.#held.pausing;
  }

  /** Bytes that wait here. */
  get held(): number {
    return this.#held.length + this.#partial.length;
  }

  get behind(): boolean {
    return this.#outlet.behind;
  }

  get waits(): boolean {
    return this.#outlet.waits;
  }

  /** Puts a control frame of ours into the stream, at once or at the end of the current frame. */
  inject(frame: Buffer): void {
    if (!this.#outlet.finishing && !this.#discarding) this.#outlet.inject(frame, this.midFrame);
  }

  /** A frame of ours still waits for its turn. */
  get injecting(): boolean {
    return this.#outlet.injecting;
  }

  /**
   * The last of this direction: our Close frame, if given, and the end of the sink. In the middle of a frame it waits for
   * the frame's end if `wait`, else the sink ends there without a Close frame.
   */
  finish(frame: Buffer | undefined, wait: boolean): void {
    this.#conclusion?.timer.cancel();
    this.#conclusion = undefined;
    if (this.#outlet.finishing) return;
    const cut = this.midFrame && (!wait || this.#sourceEnded);
    this.#outlet.finish(cut ? undefined : frame, this.midFrame && !cut);
  }

  /** Finishes when the source has said its last, after `ms` at the latest: our Close frame stands for the source's. */
  conclude(frame: Buffer, ms: number): void {
    if (this.#sourceEnded || this.#discarding) return this.finish(frame, true);
    this.#conclusion = { frame, timer: this.#clock.after(ms, () => this.finish(frame, true)) };
  }

  /** Reads on, so that the peer's end is seen, and forwards nothing. */
  discard(): void {
    if (this.#conclusion !== undefined) return this.finish(this.#conclusion.frame, false);
    this.#forget();
    this.#outlet.pressure.stop();
    if (this.#spare > 0) this.#source.resume();
  }

  /** The sink is gone, and what waited for it. */
  release(): void {
    this.#outlet.pressure.release();
  }

  /** The tunnel is over. */
  stop(): void {
    this.#forget();
    this.#outlet.stop();
  }

  #forget(): void {
    this.#conclusion?.timer.cancel();
    this.#discarding = true;
    this.#held.take();
    this.#partial.forget();
    this.#held.unpause();
  }

  /** Of the outlet: the sink has caught up. */
  eased(): void {
    this.#resume();
  }

  /** Of the outlet: the sink takes nothing. */
  stuck(): void {
    this.#events.violated(this, { reason: "SlowConsumer" });
  }

  /** Of the outlet. */
  shed(): void {
    this.#events.shed(this);
  }

  /** Of the source. */
  bytes(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.#discarding) return this.#discarded(chunk.length);
    if (this.#held.any || this.#held.pausing) this.#held.add(chunk);
    else this.#feed(chunk);
  }

  /** Of the source. */
  ended(): void {
    this.#sourceEnded = true;
    if (!this.#held.any) this.#lastForwarded();
  }

  #resume(): void {
    if (this.#discarding || this.paused) return;
    const held = this.#held.take();
    if (held !== undefined) this.#feed(held);
    this.#held.used();
    if (this.#discarding || this.paused || this.#held.any) return;
    if (this.#sourceEnded) this.#lastForwarded();
    else this.#source.resume();
  }

  #lastForwarded(): void {
    if (this.#conclusion !== undefined) this.discard();
    this.#events.ended(this);
  }

  #feed(chunk: Buffer): void {
    let at = 0;
    while (this.#partial.length > 0 && at < chunk.length && !this.#held.any) {
      at = this.#partial.fill(chunk, at);
      const unit = this.#partial.take();
      if (unit !== undefined) this.#walk(unit, 0, chunk.length - at);
      if (this.#discarding) return;
    }
    if (at < chunk.length) {
      if (this.#held.any) this.#held.add(chunk.subarray(at));
      else this.#walk(chunk, at);
    }
    if (!this.#discarding) this.#slowDown(chunk.length);
  }

  /** `more`: bytes that are known to follow the chunk. */
  #walk(chunk: Buffer, from: number, more = 0): void {
    const judge = this.#judge;
    const outlet = this.#outlet;
    const now = this.#clock.now();
    const end = chunk.length;
    let span = from;
    let at = from;
    let frames = 0;
    while (at < end) {
      if (judge.remaining > 0) {
        const there = Math.min(judge.remaining, end - at);
        const taken = judge.payload(there, now);
        at += taken;
        if (judge.dropping) span = at;
        if (taken < there) return this.#stop(chunk, span, at);
        if (judge.remaining > 0) continue;
        judge.frameDone();
        if (!outlet.waiting) continue;
        this.#forward(chunk, span, at);
        span = at;
        outlet.frameEnded();
        if (this.#discarding) return;
        continue;
      }
      if ((frames += 1) > MOST_FRAMES) {
        frames = 0;
        if (this.#held.mustGiveWay) {
          this.#forward(chunk, span, at);
          return this.#held.giveWay(chunk.subarray(at));
        }
      }
      const need = needed(chunk, at, end);
      if (end - at < need) {
        this.#forward(chunk, span, at);
        return this.#partial.begin(chunk.subarray(at));
      }
      judge.header.read(chunk, at, end);
      const size = judge.header.control ? need : judge.header.size;
      switch (judge.judge(chunk, at, now, end - at - size + more)) {
        case "forward":
          at += size;
          break;
        case "skip":
          this.#forward(chunk, span, at);
          at += size;
          span = at;
          break;
        case "hold":
          this.#forward(chunk, span, at);
          return this.#held.pause(judge.limits.messageWait(now), chunk.subarray(at));
        case "stop":
          return this.#stop(chunk, span, at);
        case "close":
          this.#forward(chunk, span, this.#conclusion === undefined ? at + size : at);
          this.discard();
          return this.#events.closed(this, closeCode(chunk.subarray(at, at + size)));
      }
    }
    this.#forward(chunk, span, end);
  }

  #stop(chunk: Buffer, from: number, to: number): void {
    this.#forward(chunk, from, to);
    this.discard();
    this.#events.violated(this, this.#judge.violation);
  }

  #forward(chunk: Buffer, from: number, to: number): void {
    if (to > from) this.#outlet.write(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  /** After a read: pauses the source where the sink does not keep up, a debt of bytes is to be paid, or others wait. */
  #slowDown(bytes: number): void {
    const debt = this.#judge.limits.byteWait(this.#clock.now());
    if (debt > 0) this.#held.pause(debt);
    else this.#held.haveRead(bytes);
    if (this.#outlet.pressure.check()) this.#source.pause();
  }

  /** A peer that pours on, although nothing is forwarded any more, is not read for ever: its end need not be seen. */
  #discarded(bytes: number): void {
    this.#spare -= bytes;
    if (this.#spare <= 0) this.#source.pause();
  }
}

import type { Clock } from "../../runtime/clock.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { Termination } from "../rejection.ts";
import type { ByteSource } from "./byte-source.ts";
import { closeCode } from "./control-frames.ts";
import { FrameJudge, type JudgeOptions, type Verdict } from "./frame-judge.ts";
import type { FrameTap } from "./frame-tap.ts";
import { needed } from "./frames.ts";
import { HeldBack } from "./held-back.ts";
import type { Outlet } from "./outlet.ts";
import { PartialUnit } from "./partial-unit.ts";

/** Frames of one read after which other flows may have their turn. */
const MOST_FRAMES = 64;

interface WalkOptions extends JudgeOptions {
  readonly source: ByteSource;
  readonly clock: Clock;
  readonly loop: LoopShare;
}

export interface WalkEvents {
  /** The source's Close frame is not forwarded: the receiver gets ours instead. */
  readonly replacesClose: boolean;
  /** The source has sent its Close frame, or broke a rule. All that came before has been forwarded, and nothing more is. */
  closed(code: number): void;
  violated(termination: Termination): void;
  /** The rest of a read of which nothing more is forwarded. */
  left(bytes: Buffer): void;
  /** A limit, or the receiver's pace, pauses the source. */
  slowed(): void;
  /** What was held back may go on. */
  resume(): void;
}

/**
 * Walks the frame headers of what a source sends and forwards the bytes as they are, whole reads at a time. Decides at
 * frame headers only; what it may not forward yet it holds back, and pauses the source.
 */
export class FrameWalk {
  readonly judge: FrameJudge;
  /** Sees each frame; undefined: nothing is traced. */
  tap: FrameTap | undefined;
  readonly #clock: Clock;
  readonly #source: ByteSource;
  readonly #outlet: Outlet;
  readonly #events: WalkEvents;
  readonly #partial = new PartialUnit();
  readonly #held: HeldBack;

  constructor(options: WalkOptions, outlet: Outlet, events: WalkEvents) {
    const { source, clock, loop } = options;
    this.#clock = clock;
    this.#source = source;
    this.#outlet = outlet;
    this.#events = events;
    this.judge = new FrameJudge(options, clock.now());
    this.#held = new HeldBack(source, clock, loop, outlet.pressure, () => events.resume());
  }

  /** Bytes that wait here. */
  get length(): number {
    return this.#held.length + this.#partial.length;
  }

  /** Bytes are held back. */
  get holds(): boolean {
    return this.#held.any;
  }

  /** A limit, or the turn of other flows, pauses the source. */
  get pausing(): boolean {
    return this.#held.pausing;
  }

  /** How often a limit has paused the source. */
  get pauses(): number {
    return this.#held.pauses;
  }

  /** Forwards what was read, or holds it back. */
  take(chunk: Buffer): void {
    if (this.#held.any || this.#held.pausing) this.#held.add(chunk);
    else this.#feed(chunk);
  }

  /** Goes on with what was held back. */
  goOn(): void {
    const held = this.#held.take();
    if (held !== undefined) this.#feed(held);
    this.#held.used();
  }

  /** The limits have changed: a wait was reckoned with the old ones. */
  reckonAnew(): void {
    if (!this.#held.pausing) return;
    this.#held.unpause();
    const debt = this.judge.limits.byteWait(this.#clock.now());
    if (debt > 0) this.#pause(debt);
    else this.#events.resume();
  }

  /** Gives up what waits here, and returns it in the order in which it was read. */
  leave(): readonly Buffer[] {
    this.tap?.ended();
    const waited = [this.#partial.leave(), this.#held.take() ?? Buffer.alloc(0)];
    this.#held.unpause();
    return waited;
  }

  #feed(chunk: Buffer): void {
    let at = 0;
    while (this.#partial.length > 0 && at < chunk.length && !this.#held.any) {
      at = this.#partial.fill(chunk, at);
      const unit = this.#partial.take();
      if (unit !== undefined && !this.#walk(unit, 0, chunk.length - at)) return this.#events.left(chunk.subarray(at));
    }
    if (at < chunk.length) {
      if (this.#held.any) this.#held.add(chunk.subarray(at));
      else if (!this.#walk(chunk, at, 0)) return;
    }
    this.#slowDown(chunk.length);
  }

  /** `more`: bytes that are known to follow the chunk. False: nothing more is to be forwarded, and the rest was told. */
  #walk(chunk: Buffer, from: number, more: number): boolean {
    const judge = this.judge;
    const outlet = this.#outlet;
    const { tap } = this;
    const now = this.#clock.now();
    const end = chunk.length;
    let span = from;
    let at = from;
    let frames = 0;
    if (tap !== undefined && judge.remaining > 0) tap.payload(chunk, from, judge.remaining);
    while (at < end) {
      if (judge.remaining > 0) {
        const there = Math.min(judge.remaining, end - at);
        const taken = judge.payload(there, now);
        at += taken;
        if (judge.dropping) span = at;
        if (taken < there) {
          if (judge.cut) {
            tap?.cut(judge.violation);
            return this.#violated(chunk, span, at);
          }
          if (taken > 0) continue;
          this.#forward(chunk, span, at);
          return this.#hold(chunk.subarray(at));
        }
        if (judge.remaining > 0) continue;
        judge.frameDone();
        if (!outlet.waiting) continue;
        this.#forward(chunk, span, at);
        span = at;
        if (!outlet.frameEnded()) return this.#left(chunk, at);
        continue;
      }
      if ((frames += 1) > MOST_FRAMES) {
        frames = 0;
        if (this.#held.mustGiveWay) {
          this.#forward(chunk, span, at);
          this.#held.giveWay(chunk.subarray(at));
          return true;
        }
      }
      const need = needed(chunk, at, end);
      if (end - at < need) {
        this.#forward(chunk, span, at);
        this.#partial.begin(chunk.subarray(at));
        return true;
      }
      judge.header.read(chunk, at, end);
      const size = judge.header.control ? need : judge.header.size;
      const verdict = judge.judge(chunk, at, now, end - at - size + more);
      if (tap !== undefined) this.#show(tap, verdict, chunk, at);
      switch (verdict) {
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
          return this.#hold(chunk.subarray(at));
        case "stop":
          return this.#violated(chunk, span, at);
        case "close":
          return this.#closed(chunk, span, at, at + size);
      }
    }
    this.#forward(chunk, span, end);
    return true;
  }

  #show(tap: FrameTap, verdict: Verdict, chunk: Buffer, at: number): void {
    const replaced = verdict === "close" && this.#events.replacesClose;
    tap.judged(this.judge.header, replaced ? "skip" : verdict, chunk, at, this.judge.violation);
  }

  /** Until the store has answered, or the limits let more pass. */
  #hold(rest: Buffer): true {
    const { limits } = this.judge;
    const now = this.#clock.now();
    const { questions } = limits;
    if (questions.any && this.#outlet.pressure.check()) {
      // What the store granted now would be lost: nothing more is forwarded before the receiver has caught up.
      questions.drop();
      this.#source.pause();
      this.#held.add(rest);
    } else if (questions.any) this.#held.ask((answered) => questions.ask(now, answered), rest);
    else this.#held.pause(limits.turn(now), rest);
    this.#events.slowed();
    return true;
  }

  #closed(chunk: Buffer, from: number, at: number, end: number): boolean {
    this.#forward(chunk, from, this.#events.replacesClose ? at : end);
    this.#events.closed(closeCode(chunk.subarray(at, end)));
    return this.#left(chunk, end);
  }

  #violated(chunk: Buffer, from: number, to: number): boolean {
    this.#forward(chunk, from, to);
    this.#events.violated(this.judge.violation);
    return this.#left(chunk, to);
  }

  #left(chunk: Buffer, from: number): false {
    this.#events.left(chunk.subarray(from));
    return false;
  }

  #forward(chunk: Buffer, from: number, to: number): void {
    if (to > from) this.#outlet.write(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  /** After a read: pauses the source where the receiver does not keep up, a debt of bytes is to be paid, or other flows wait. */
  #slowDown(bytes: number): void {
    const debt = this.judge.limits.byteWait(this.#clock.now());
    if (debt > 0) this.#pause(debt);
    else this.#held.haveRead(bytes);
    if (!this.#outlet.pressure.check()) return;
    this.#source.pause();
    this.#events.slowed();
  }

  #pause(ms: number): void {
    this.#held.pause(ms);
    this.#events.slowed();
  }
}

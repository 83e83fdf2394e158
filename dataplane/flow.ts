import type { Socket } from "node:net";
import type { Clock, Timer } from "../runtime/clock.ts";
import { ByteSource } from "./byte-source.ts";
import { closeCode } from "./control-frames.ts";
import { CLOSE, CONTINUATION, FrameHeader, MAX_CONTROL, needed, PING, PONG, TEXT, BINARY } from "./frames.ts";
import { FlowLimits } from "./flow-limits.ts";
import { Pressure } from "./pressure.ts";
import type { Termination } from "./rejection.ts";
import { TokenBucket } from "./token-bucket.ts";
import type { DirectionCount, DirectionPlan, TunnelPlan } from "./tunnel.ts";

/** Pings and pongs that an end may send: no honest one comes near it, and each costs us more than it costs the sender. */
const CONTROL_FRAMES = { limit: 100, interval: 1000, burst: 500 };

/** Longest wait for the end of a frame before a Close frame of ours, in ms. */
const FRAME_WAIT = 1000;

export interface FlowOptions {
  readonly source: Socket;
  readonly sink: Socket;
  /** Frames of this direction are masked: those of a client. */
  readonly masked: boolean;
  readonly deflate: boolean;
  readonly plan: DirectionPlan;
  readonly slowConsumer: TunnelPlan["slowConsumer"];
  readonly count: DirectionCount;
  readonly clock: Clock;
  /** The source broke the protocol or a limit, or the sink takes nothing. Everything before that has been forwarded. */
  violated(termination: Termination): void;
  /** The source's Close frame has been forwarded. */
  closed(code: number): void;
  /** The source sends no more, and all that it sent has been forwarded. */
  ended(): void;
  /** A pong; true if it answers a ping of ours and goes no further. */
  ownPong(frame: Buffer): boolean;
}

type Verdict = "forward" | "skip" | "hold" | "stop" | "close";

/**
 * One direction of a tunnel: walks the frame headers of what the source sends and forwards the bytes as they are, whole
 * reads at a time. Decides at frame headers only; what it may not forward yet it holds, and reads no further.
 */
export class Flow {
  readonly #options: FlowOptions;
  readonly #sink: Socket;
  readonly #source: ByteSource;
  readonly #limits: FlowLimits;
  readonly #pressure: Pressure;
  readonly #header = new FrameHeader();
  #plan: DirectionPlan;
  /** Payload of the current data frame that is still to come. */
  #remaining = 0;
  #final = true;
  #inMessage = false;
  #dropping = false;
  #messageBytes = 0;
  #fragments = 0;
  /** A header or control frame of which only a part has come. */
  #partial: Buffer | undefined;
  #partialLength = 0;
  /** What may not be forwarded yet. */
  #held: Buffer | undefined;
  #delay: Timer | undefined;
  #sourceEnded = false;
  /** Nothing of the source is looked at any more. */
  #discarding = false;
  #control: TokenBucket | undefined;
  /** A frame of ours that waits for the end of the current frame. */
  #pending: Buffer | undefined;
  #finish: { readonly frame: Buffer | undefined; readonly timer: Timer } | undefined;
  /** When the source last sent a part of a message, on the monotonic clock. */
  active: number;
  /** Bytes that the source has sent. */
  received = 0;

  constructor(options: FlowOptions) {
    this.#options = options;
    this.#sink = options.sink;
    this.#plan = options.plan;
    this.#limits = new FlowLimits(options.plan);
    this.active = options.clock.now();
    this.#source = new ByteSource(options.source, { bytes: (chunk) => this.#bytes(chunk), ended: () => this.#end() });
    this.#pressure = new Pressure(options.sink, options.slowConsumer, options.clock, {
      eased: () => this.#resume(),
      stuck: () => options.violated({ reason: "SlowConsumer" }),
    });
  }

  /** Begins with what has been read already. */
  start(head: Buffer): void {
    if (head.length > 0) this.#bytes(head);
    this.#resume();
  }

  apply(plan: DirectionPlan, slowConsumer: TunnelPlan["slowConsumer"]): void {
    this.#plan = plan;
    this.#limits.apply(plan);
    this.#pressure.apply(slowConsumer);
    if (this.#delay === undefined) return;
    // How long to wait was reckoned with the old limits.
    this.#delay.cancel();
    this.#delay = undefined;
    const debt = this.#limits.byteWait(this.#options.clock.now());
    if (debt > 0) this.#pause(debt);
    else this.#resume();
  }

  /** The sink is in the middle of a frame. */
  get midFrame(): boolean {
    return this.#remaining > 0 && !this.#dropping;
  }

  get pressed(): boolean {
    return this.#pressure.on;
  }

  /** Reads no further for now. */
  get paused(): boolean {
    return this.#pressure.on || this.#delay !== undefined;
  }

  /** Bytes that wait here. */
  get held(): number {
    return (this.#held?.length ?? 0) + this.#partialLength;
  }

  /** Puts a control frame of ours into the stream, at once or at the end of the current frame. */
  inject(frame: Buffer): void {
    if (this.#finish !== undefined || this.#discarding) return;
    if (this.midFrame) this.#pending = frame;
    else this.#write(frame);
  }

  /** A frame of ours still waits for its turn. */
  get injecting(): boolean {
    return this.#pending !== undefined;
  }

  /**
   * The last of this direction: our Close frame, if given, and the end of the sink. In the middle of a frame it waits for
   * the frame's end if `wait`, else the sink ends there without a Close frame.
   */
  finish(frame: Buffer | undefined, wait: boolean): void {
    if (this.#finish !== undefined) return;
    const timer = this.#options.clock.after(FRAME_WAIT, () => this.#finished(undefined));
    this.#finish = { frame, timer };
    if (!this.midFrame) this.#finished(frame);
    else if (!wait || this.#sourceEnded) this.#finished(undefined);
  }

  /** Reads on, so that the peer's end is seen, and forwards nothing. */
  discard(): void {
    this.#discarding = true;
    this.#held = undefined;
    this.#partialLength = 0;
    this.#delay?.cancel();
    this.#delay = undefined;
    this.#pressure.stop();
    this.#source.resume();
  }

  /** The tunnel is over. */
  stop(): void {
    this.#discarding = true;
    this.#held = undefined;
    this.#delay?.cancel();
    this.#pressure.stop();
    this.#finish?.timer.cancel();
  }

  #finished(frame: Buffer | undefined): void {
    this.#finish?.timer.cancel();
    if (this.#discarding && this.#sink.writableEnded) return;
    if (frame !== undefined) this.#write(frame);
    if (this.#sink.writable) this.#sink.end();
    this.discard();
  }

  #bytes(chunk: Buffer): void {
    this.received += chunk.length;
    if (this.#discarding) return;
    if (this.#held !== undefined || this.#delay !== undefined) this.#hold(chunk);
    else this.#feed(chunk);
  }

  #end(): void {
    this.#sourceEnded = true;
    if (this.#held === undefined) this.#options.ended();
  }

  #hold(rest: Buffer): void {
    this.#held = this.#held === undefined ? Buffer.from(rest) : Buffer.concat([this.#held, rest]);
  }

  #resume(): void {
    if (this.#discarding || this.paused) return;
    const held = this.#held;
    this.#held = undefined;
    if (held !== undefined) this.#feed(held);
    if (this.#discarding || this.paused || this.#held !== undefined) return;
    if (this.#sourceEnded) this.#options.ended();
    else this.#source.resume();
  }

  #feed(chunk: Buffer): void {
    let at = 0;
    while (this.#partialLength > 0 && at < chunk.length && this.#held === undefined && !this.#discarding) {
      at = this.#complete(chunk, at);
    }
    if (this.#discarding) return;
    if (at < chunk.length) {
      if (this.#held === undefined) this.#walk(chunk, at);
      else this.#hold(chunk.subarray(at));
    }
    if (!this.#discarding) this.#slowDown();
  }

  /** Adds to a header or control frame that has come in part; walks it when it is whole. */
  #complete(chunk: Buffer, from: number): number {
    const partial = this.#partial ?? Buffer.alloc(0);
    let at = from;
    let missing = needed(partial, 0, this.#partialLength) - this.#partialLength;
    while (missing > 0 && at < chunk.length) {
      const taken = chunk.copy(partial, this.#partialLength, at, Math.min(chunk.length, at + missing));
      at += taken;
      this.#partialLength += taken;
      missing = needed(partial, 0, this.#partialLength) - this.#partialLength;
    }
    if (missing > 0) return at;
    const unit = Buffer.from(partial.subarray(0, this.#partialLength));
    this.#partialLength = 0;
    this.#walk(unit, 0, chunk.length - at);
    return at;
  }

  #stash(rest: Buffer): void {
    this.#partial ??= Buffer.allocUnsafeSlow(MAX_CONTROL);
    this.#partialLength = rest.copy(this.#partial, 0);
  }

  /** `more`: bytes that are known to follow the chunk. */
  #walk(chunk: Buffer, from: number, more = 0): void {
    const now = this.#options.clock.now();
    const end = chunk.length;
    let span = from;
    let at = from;
    while (at < end) {
      if (this.#remaining > 0) {
        const there = Math.min(this.#remaining, end - at);
        const taken = this.#dropping ? there : this.#limits.takeBytes(there, now);
        this.#remaining -= taken;
        at += taken;
        this.active = now;
        if (this.#dropping) span = at;
        else this.#options.count.bytes += taken;
        if (taken < there) {
          this.#forward(chunk, span, at);
          return this.#options.violated(this.#limits.byteRate(now));
        }
        if (this.#remaining > 0) continue;
        this.#frameDone();
        if (this.#pending === undefined && this.#finish === undefined) continue;
        this.#forward(chunk, span, at);
        span = at;
        if (this.#finish !== undefined) return this.#finished(this.#finish.frame);
        this.#writePending();
        continue;
      }
      const need = needed(chunk, at, end);
      if (end - at < need) {
        this.#forward(chunk, span, at);
        return this.#stash(chunk.subarray(at));
      }
      this.#header.read(chunk, at, end);
      const size = this.#header.control ? need : this.#header.size;
      switch (this.#judge(chunk, at, now, end - at - size + more)) {
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
          this.#forward(chunk, span, at);
          return this.#options.violated(this.#violation);
        case "close":
          this.#forward(chunk, span, at + size);
          this.discard();
          return this.#options.closed(closeCode(chunk.subarray(at, at + size)));
      }
    }
    this.#forward(chunk, span, end);
  }

  #violation: Termination = { reason: "ProtocolError" };

  #stop(termination: Termination): Verdict {
    this.#violation = termination;
    return "stop";
  }

  /** What is to happen with the frame whose header was just read (RFC 6455 §5). */
  #judge(chunk: Buffer, at: number, now: number, following: number): Verdict {
    const { fin, rsv1, reserved, opcode, masked, length, malformed, control } = this.#header;
    if (malformed || reserved || masked !== this.#options.masked) return this.#stop({ reason: "ProtocolError" });
    if (control) return this.#judgeControl(chunk, at, now);
    const first = opcode !== CONTINUATION;
    const inOrder = first ? (opcode === TEXT || opcode === BINARY) && !this.#inMessage : this.#inMessage;
    if (!inOrder || (rsv1 && !(first && this.#options.deflate))) return this.#stop({ reason: "ProtocolError" });
    const bytes = (first ? 0 : this.#messageBytes) + length;
    const fragments = (first ? 0 : this.#fragments) + 1;
    if (bytes > this.#plan.maxMessage) return this.#stop({ reason: "MessageTooBig" });
    if (fragments > this.#plan.maxFragments) return this.#stop({ reason: "TooManyFragments" });
    if (first) {
      const verdict = this.#limits.takeMessage(now);
      if (verdict === "close") return this.#stop(this.#limits.messageRate(now));
      if (verdict === "delay") {
        this.#pause(this.#limits.messageWait(now));
        return "hold";
      }
      this.#dropping = verdict === "drop";
    }
    // A frame that is here as a whole is refused as a whole, while the sink still stands between two frames.
    if (!this.#dropping && length <= following && this.#limits.refusesBytes(length, now)) {
      return this.#stop(this.#limits.byteRate(now));
    }
    if (first && !this.#dropping) this.#options.count.messages += 1;
    this.active = now;
    this.#messageBytes = bytes;
    this.#fragments = fragments;
    this.#inMessage = true;
    this.#final = fin;
    this.#remaining = length;
    const verdict = this.#dropping ? "skip" : "forward";
    if (length === 0) this.#frameDone();
    return verdict;
  }

  #judgeControl(chunk: Buffer, at: number, now: number): Verdict {
    const { fin, rsv1, opcode, length, size } = this.#header;
    if (!fin || rsv1 || length > 125 || opcode > PONG) return this.#stop({ reason: "ProtocolError" });
    const frame = chunk.subarray(at, at + size + length);
    if (opcode === CLOSE) return Number.isNaN(closeCode(frame)) ? this.#stop({ reason: "ProtocolError" }) : "close";
    this.#control ??= new TokenBucket(CONTROL_FRAMES, now);
    if (!this.#control.take(1, now)) return this.#stop({ reason: "PingFlood", retryAfter: 1 });
    return opcode !== PING && this.#options.ownPong(frame) ? "skip" : "forward";
  }

  #frameDone(): void {
    if (!this.#final) return;
    this.#inMessage = false;
    this.#dropping = false;
  }

  #forward(chunk: Buffer, from: number, to: number): void {
    if (to > from) this.#write(from === 0 && to === chunk.length ? chunk : chunk.subarray(from, to));
  }

  #write(bytes: Buffer): void {
    if (this.#sink.writable) this.#sink.write(bytes, this.#pressure.written);
  }

  #writePending(): void {
    const frame = this.#pending;
    this.#pending = undefined;
    if (frame !== undefined) this.#write(frame);
  }

  /** After a read: pauses the source where the sink does not keep up or a debt of bytes is to be paid. */
  #slowDown(): void {
    const debt = this.#limits.byteWait(this.#options.clock.now());
    if (debt > 0) this.#pause(debt);
    if (this.#pressure.check()) this.#source.pause();
  }

  #pause(ms: number): void {
    this.#source.pause();
    this.#delay?.cancel();
    this.#delay = this.#options.clock.after(ms, () => {
      this.#delay = undefined;
      this.#resume();
    });
  }
}

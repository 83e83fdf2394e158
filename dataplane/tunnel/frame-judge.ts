import { closeCode } from "./control-frames.ts";
import { FlowLimits } from "./flow-limits.ts";
import { BINARY, CLOSE, CONTINUATION, FrameHeader, PONG, TEXT } from "./frames.ts";
import type { DirectionPlan } from "./plan.ts";
import type { Termination } from "../rejection.ts";
import { TokenBucket } from "../limits/token-bucket.ts";

/** Pings and pongs that a source may send: far more than an honest one sends. Each costs the gateway more than the source. */
const CONTROL_FRAMES = { limit: 100, interval: 1000, burst: 500 };

/**
 * What happens with a frame. `skip`: it is not forwarded; `hold`: it waits for the limits, or for the store; `stop`: the
 * session ends with `violation`; `close`: it is a Close frame.
 */
export type Verdict = "forward" | "skip" | "hold" | "stop" | "close";

/** Forwarded data messages and their payload bytes. */
export interface DirectionCount {
  messages: number;
  bytes: number;
}

export interface JudgeOptions {
  /** Frames of this direction are masked: those of a client. */
  readonly masked: boolean;
  readonly deflate: boolean;
  readonly plan: DirectionPlan;
  readonly count: DirectionCount;
  /** Tells the pongs that answer the gateway's own pings, and are not forwarded; absent where none can come. */
  readonly pongs: { isAnswer(frame: Buffer): boolean } | undefined;
}

/**
 * The rules of one direction: those of RFC 6455 §5, then the frame policies in the order of `framePolicies`. It is asked
 * at each frame header and for payload, keeps track of the current message and counts what is forwarded; it touches no
 * socket.
 */
export class FrameJudge {
  readonly header = new FrameHeader();
  readonly limits: FlowLimits;
  readonly #masked: boolean;
  readonly #deflate: boolean;
  readonly #count: DirectionCount;
  readonly #pongs: JudgeOptions["pongs"];
  #plan: DirectionPlan;
  /** Payload of the current data frame that is still to come. */
  remaining = 0;
  /** The current message goes no further. */
  dropping = false;
  /** Why the last verdict was to stop. */
  violation: Termination = { reason: "ProtocolError" };
  /** When the source last sent a part of a message, on the monotonic clock. */
  active: number;
  #final = true;
  #inMessage = false;
  #messageBytes = 0;
  #fragments = 0;
  #control: TokenBucket | undefined;

  constructor({ masked, deflate, plan, count, pongs }: JudgeOptions, now: number) {
    this.#masked = masked;
    this.#deflate = deflate;
    this.#plan = plan;
    this.#count = count;
    this.#pongs = pongs;
    this.limits = new FlowLimits(plan);
    this.active = now;
  }

  apply(plan: DirectionPlan): void {
    this.#plan = plan;
    this.limits.apply(plan);
  }

  /** The receiver has a part of a frame. */
  get midFrame(): boolean {
    return this.remaining > 0 && !this.dropping;
  }

  /** How many of `there` bytes of the current frame's payload may pass; if not all: the rest is `cut`, or waits. */
  payload(there: number, now: number): number {
    const taken = this.dropping ? there : this.limits.takeBytes(there, now);
    this.remaining -= taken;
    this.active = now;
    if (!this.dropping) this.#count.bytes += taken;
    if (taken < there && this.limits.cut) this.violation = this.limits.byteRate(now);
    return taken;
  }

  /** The session ends behind the last payload that passed; `violation` says why. */
  get cut(): boolean {
    return this.limits.cut;
  }

  /** The current frame's payload is complete. */
  frameDone(): void {
    if (!this.#final) return;
    this.#inMessage = false;
    this.dropping = false;
  }

  /**
   * The verdict on the frame at `at`, whose header was just read; of a control frame the whole frame has been read.
   * `following`: how many bytes have been read behind the header.
   */
  judge(chunk: Buffer, at: number, now: number, following: number): Verdict {
    const { malformed, reserved, masked, control } = this.header;
    if (malformed || reserved || masked !== this.#masked) return this.#stop({ reason: "ProtocolError" });
    return control ? this.#judgeControl(chunk, at, now) : this.#judgeData(now, following);
  }

  #judgeData(now: number, following: number): Verdict {
    const { fin, rsv1, opcode, length } = this.header;
    const first = opcode !== CONTINUATION;
    const inOrder = first ? (opcode === TEXT || opcode === BINARY) && !this.#inMessage : this.#inMessage;
    if (!inOrder || (rsv1 && !(first && this.#deflate))) return this.#stop({ reason: "ProtocolError" });
    const bytes = (first ? 0 : this.#messageBytes) + length;
    const fragments = (first ? 0 : this.#fragments) + 1;
    if (bytes > this.#plan.maxMessage) return this.#stop({ reason: "MessageTooBig", policy: "messageSize" });
    if (fragments > this.#plan.maxFragments) return this.#stop({ reason: "TooManyFragments", policy: "messageSize" });
    if (first) {
      const verdict = this.limits.takeMessage(now, rsv1, length <= following ? length : 0);
      if (verdict === "close") return this.#stop(this.limits.messageRate(now));
      if (verdict === "delay" || verdict === "ask") return "hold";
      this.dropping = verdict === "drop";
    }
    // A frame that has been read as a whole is refused as a whole: the receiver then still is between two frames.
    if (!this.dropping && length <= following) {
      const verdict = this.limits.judgeBytes(length, now);
      if (verdict === "close") return this.#stop(this.limits.byteRate(now));
      if (verdict === "ask") return "hold";
    }
    if (first && !this.dropping) this.#count.messages += 1;
    this.active = now;
    this.#messageBytes = bytes;
    this.#fragments = fragments;
    this.#inMessage = true;
    this.#final = fin;
    this.remaining = length;
    const verdict = this.dropping ? "skip" : "forward";
    if (length === 0) this.frameDone();
    return verdict;
  }

  #judgeControl(chunk: Buffer, at: number, now: number): Verdict {
    const { fin, rsv1, opcode, length, size } = this.header;
    if (!fin || rsv1 || length > 125 || opcode > PONG) return this.#stop({ reason: "ProtocolError" });
    const frame = chunk.subarray(at, at + size + length);
    if (opcode === CLOSE) return Number.isNaN(closeCode(frame)) ? this.#stop({ reason: "ProtocolError" }) : "close";
    this.#control ??= new TokenBucket(CONTROL_FRAMES, now);
    if (!this.#control.take(1, now)) return this.#stop({ reason: "PingFlood", retryAfter: 1 });
    return opcode === PONG && this.#pongs?.isAnswer(frame) === true ? "skip" : "forward";
  }

  #stop(termination: Termination): Verdict {
    this.violation = termination;
    return "stop";
  }
}

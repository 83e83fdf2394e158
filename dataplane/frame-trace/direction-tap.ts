import type { DebugEvent } from "../../api/debug.ts";
import type { Termination } from "../rejection.ts";
import type { FrameTap } from "../tunnel/frame-tap.ts";
import type { Verdict } from "../tunnel/frame-judge.ts";
import { CONTINUATION, TEXT, type FrameHeader } from "../tunnel/frames.ts";
import type { Direction } from "../tunnel/timeline.ts";
import { LOOK_AHEAD, shownPayload } from "./shown-payload.ts";

type FrameEvent = DebugEvent<"frame">;

/** A frame as a trace tells of it; `at` in ms since the epoch. */
export type FrameSeen = Omit<FrameEvent, "at"> & { readonly at: number };

/** Where a tap sends what it has seen. */
export interface FrameOutput {
  /** Bytes of a payload that are shown; 0: none. */
  readonly payload: number;
  /** May one more frame be shown now? */
  takes(): boolean;
  /** In ms since the epoch. */
  time(): number;
  frame(frame: FrameSeen): void;
}

const WORDS = {
  forward: "forwarded",
  close: "forwarded",
  skip: "dropped",
  hold: "held",
  stop: "stopped",
} as const satisfies Record<Verdict, FrameEvent["verdict"]>;

/** The beginning of a payload, while it comes. */
interface Collected {
  readonly event: FrameSeen;
  /** Unmasked. */
  readonly bytes: Buffer;
  readonly key: Buffer | undefined;
  filled: number;
}

/**
 * The frames of one direction of a session as events of one trace. A frame that shows payload is told of when the beginning
 * of that has come; others as soon as they are judged.
 */
export class DirectionTap implements FrameTap {
  readonly #session: string;
  readonly #direction: Direction;
  readonly #output: FrameOutput;
  /** The frame that was judged last, as it was told. */
  #last: FrameSeen | undefined;
  #collected: Collected | undefined;
  /** The frame that was judged last waits, and was told of. */
  #held = false;

  constructor(session: string, direction: Direction, output: FrameOutput) {
    this.#session = session;
    this.#direction = direction;
    this.#output = output;
  }

  judged(header: FrameHeader, verdict: Verdict, chunk: Buffer, at: number, violation: Termination): void {
    this.ended();
    const again = verdict === "hold" && this.#held;
    this.#held = verdict === "hold";
    if (again) return;
    this.#last = undefined;
    if (!this.#output.takes()) return;
    const { opcode, fin, rsv1, length, masked, size } = header;
    const event: FrameSeen = {
      at: this.#output.time(),
      session: this.#session,
      direction: this.#direction,
      opcode,
      fin,
      size: Math.min(length, Number.MAX_SAFE_INTEGER),
      verdict: WORDS[verdict],
    };
    if (rsv1) event.compressed = true;
    if (verdict === "stop") event.reason = violation.reason;
    this.#last = event;
    const wanted = this.#shows(header, verdict) ? Math.min(length, this.#output.payload + LOOK_AHEAD) : 0;
    if (wanted === 0) return this.#output.frame(event);
    const payload = at + size;
    const key = masked ? Buffer.from(chunk.subarray(payload - 4, payload)) : undefined;
    this.#collected = { event, bytes: Buffer.alloc(wanted), key, filled: 0 };
    this.#collect(this.#collected, chunk, payload);
    if (verdict === "stop") this.ended(); // no more of it is read
  }

  payload(chunk: Buffer, at: number, remaining: number): void {
    const collected = this.#collected;
    if (collected === undefined) return;
    // What waited for a limit comes again.
    const behind = collected.filled - (collected.event.size - remaining);
    if (behind >= 0) this.#collect(collected, chunk, at + behind);
  }

  cut(violation: Termination): void {
    const last = this.#last;
    if (last === undefined) return;
    const stopped = { verdict: "stopped", reason: violation.reason };
    if (this.#collected !== undefined) {
      Object.assign(this.#collected.event, stopped);
      this.ended();
    } else if (this.#output.takes()) this.#output.frame({ ...last, at: this.#output.time(), ...stopped });
  }

  /** Tells of a frame whose payload has not come as far as it is shown. */
  ended(): void {
    const collected = this.#collected;
    if (collected === undefined) return;
    this.#collected = undefined;
    const { event, bytes, filled } = collected;
    const there = bytes.subarray(0, filled);
    const whole = event.fin && filled === event.size;
    const shown = shownPayload(there, this.#output.payload, { text: event.opcode === TEXT, whole });
    this.#output.frame({ ...event, ...shown });
  }

  /**
   * Credentials cannot be told in compressed bytes, nor in a fragment without what stands before it; a frame that waits
   * comes once more.
   */
  #shows({ opcode, rsv1 }: FrameHeader, verdict: Verdict): boolean {
    return this.#output.payload > 0 && verdict !== "hold" && opcode !== CONTINUATION && !rsv1;
  }

  #collect(collected: Collected, chunk: Buffer, from: number): void {
    const { bytes, key } = collected;
    const to = Math.min(chunk.length, from + bytes.length - collected.filled);
    for (let at = from; at < to; at += 1) {
      const mask = key?.[collected.filled & 3] ?? 0;
      bytes[collected.filled] = (chunk[at] ?? 0) ^ mask;
      collected.filled += 1;
    }
    if (collected.filled === bytes.length) this.ended();
  }
}

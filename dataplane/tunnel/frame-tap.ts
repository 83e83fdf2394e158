import type { Termination } from "../rejection.ts";
import type { Verdict } from "./frame-judge.ts";
import type { FrameHeader } from "./frames.ts";

/** Sees the frames of one direction while a person traces them. Headers and bytes are valid during a call only. */
export interface FrameTap {
  /**
   * The frame at `at` was judged, with its header read and of a control frame all of it. A frame that waits is judged
   * again when it may go on. A Close frame in whose place the receiver gets ours has the verdict `skip`.
   */
  judged(header: FrameHeader, verdict: Verdict, chunk: Buffer, at: number, violation: Termination): void;
  /** At `at` the payload of the frame goes on that was judged last, of which so many bytes have not been forwarded yet. */
  payload(chunk: Buffer, at: number, remaining: number): void;
  /** The session ends within the frame that was judged last. */
  cut(violation: Termination): void;
  /** No further frame is judged. */
  ended(): void;
}

/** Both directions of a session. */
export interface SessionTap {
  readonly fromClient: FrameTap;
  readonly fromBackend: FrameTap;
}

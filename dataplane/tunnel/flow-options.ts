import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Termination } from "../rejection.ts";
import type { Moment } from "./timeline.ts";
import type { BufferBudget } from "../process/buffer-budget.ts";
import type { ByteSource } from "./byte-source.ts";
import type { JudgeOptions } from "./frame-judge.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { TunnelPlan } from "./plan.ts";

export interface FlowOptions<Flow> extends JudgeOptions {
  readonly source: ByteSource;
  readonly receiver: Socket;
  readonly slowConsumer: TunnelPlan["slowConsumer"];
  readonly clock: Clock;
  readonly budget: BufferBudget;
  readonly loop: LoopShare;
  readonly events: FlowEvents<Flow>;
}

/** What a flow tells its tunnel, with itself, so that the tunnel knows which of the two it is. */
export interface FlowEvents<Flow> {
  /** The source broke the protocol or a limit, or the receiver takes too little. All that came before has been forwarded. */
  violated(flow: Flow, termination: Termination): void;
  /** Memory is short: what waits for the receiver is to be given up at once. */
  shed(flow: Flow): void;
  /** The source's Close frame has been forwarded. */
  closed(flow: Flow, code: number): void;
  /** The source has sent its Close frame, when nothing of it is forwarded any more. */
  answered(flow: Flow): void;
  /** Nothing more is forwarded, and the receiver has taken what waited for it. */
  taken(flow: Flow): void;
  /** The source sends no more, and all that it sent has been forwarded. */
  ended(flow: Flow): void;
  /** For the session's timeline. */
  happened(flow: Flow, what: Moment, code?: number): void;
}

import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { BufferBudget } from "../process/buffer-budget.ts";
import type { ReadPath } from "./byte-source.ts";
import type { DirectionCount } from "./frame-judge.ts";
import type { SessionTap } from "./frame-tap.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { TunnelPlan } from "./plan.ts";
import type { Terminable, Termination } from "../rejection.ts";
import type { TunnelTimeline } from "./timeline.ts";

export type EndedBy = "client" | "backend" | "gateway";

export interface Leg {
  /** Paused. */
  readonly socket: Socket;
  /** Bytes that were read together with the head of the handshake, and stand behind it. */
  readonly early: Buffer;
}

/** How a session ended. After a peer's Close frame: the code of that frame, and no termination. */
export interface TunnelEnd {
  readonly code: number;
  readonly by: EndedBy;
  readonly termination: Termination | undefined;
}

export interface TunnelOptions {
  readonly client: Leg;
  readonly backend: Leg;
  readonly reads: ReadPath;
  readonly plan: TunnelPlan;
  readonly clock: Clock;
  readonly budget: BufferBudget;
  readonly loop: LoopShare;
  /** Client and backend negotiated permessage-deflate: the first frame of a message may have RSV1. */
  readonly deflate: boolean;
  /** Told of what happens besides the frames. */
  readonly timeline: TunnelTimeline;
  /** Sees the frames from the first on; undefined: nothing is traced. */
  readonly tap: SessionTap | undefined;
  readonly counts: { readonly fromClient: DirectionCount; readonly fromBackend: DirectionCount };
  readonly random: () => number;
  /** The process stops: a backend that is lost now has stopped with it. */
  readonly stopping: () => boolean;
  /** Runs a task in its turn: thousands of sessions may end at once. */
  readonly turns: (task: () => void) => void;
  /** Called once, when the client has been told of the end or has left: its slot is free. */
  readonly over: () => void;
  /** Called once, when both sockets are closed. */
  readonly closed: (end: TunnelEnd) => void;
  /** Called once, if the session ends because a peer takes too little. */
  readonly slowConsumer: () => void;
}

/** Two upgraded sockets, joined. `close` sends a Close frame to both peers. */
export interface Tunnel extends Terminable {
  /** Puts changed limits in force. */
  apply(plan: TunnelPlan): void;
  /** Destroys both sockets at once, without a Close frame. */
  destroy(): void;
  /** Shows each frame to `tap` from now on; undefined: to none any more. */
  trace(tap: SessionTap | undefined): void;
  readonly paused: boolean;
  readonly buffered: number;
}

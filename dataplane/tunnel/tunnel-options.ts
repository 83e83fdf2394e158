import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { BufferBudget } from "../process/buffer-budget.ts";
import type { ReadPath } from "./byte-source.ts";
import type { DirectionCount } from "./frame-judge.ts";
import type { LoopShare } from "../../runtime/loop/loop-share.ts";
import type { TunnelPlan } from "./plan.ts";
import type { Terminable, Termination } from "../rejection.ts";

export type End = "client" | "backend" | "gateway";

export interface Leg {
  /** Paused. */
  readonly socket: Socket;
  /** Bytes that were read together with the head of the handshake, and stand behind it. */
  readonly early: Buffer;
}

/** How a session ended: a peer's Close has that peer's code and no reason of ours. */
export interface TunnelEnd {
  readonly code: number;
  readonly by: End;
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
  /** permessage-deflate was negotiated end to end: RSV1 may stand on the first frame of a message. */
  readonly deflate: boolean;
  readonly counts: { readonly fromClient: DirectionCount; readonly fromBackend: DirectionCount };
  readonly random: () => number;
  /** Runs an end in its turn, whether a peer leaves or it is told to: thousands may come at once. */
  readonly turns: (task: () => void) => void;
  /** Once, when the client has been told that it is over, or has left; what remains is to hang up. */
  readonly over: () => void;
  /** Once, when both sockets are gone. */
  readonly closed: (end: TunnelEnd) => void;
  /** Once, when the session ends because an end takes too little. */
  readonly slowConsumer: () => void;
}

/** Two upgraded sockets, joined; `close` sends a Close frame to both ends. */
export interface Tunnel extends Terminable {
  /** Puts changed limits in force. */
  apply(plan: TunnelPlan): void;
  /** Ends it at once, without a word. */
  destroy(): void;
  readonly paused: boolean;
  readonly buffered: number;
}

import type { Tokens } from "../limits/tokens.ts";

/** One limit on messages or bytes as it holds for one session and one direction. */
export interface FlowLimit {
  /** Shared by all sessions of the same subject, in this pod or in all, or the session's own (per Connection). */
  readonly bucket: Tokens;
  readonly onExceed: "Close" | "Drop" | "Delay";
  /** The limit counts and logs, and does not act. */
  readonly shadow: boolean;
  /** Called once for each message that is refused, and once for each pause. */
  readonly hit: () => void;
}

export interface DirectionPlan {
  readonly messages: readonly FlowLimit[];
  readonly bytes: readonly FlowLimit[];
  /** Bytes on the wire of a whole message; Infinity: no limit. */
  readonly maxMessage: number;
  readonly maxFragments: number;
}

/** The limits and times of one tunnel. Times in ms; 0: off. */
export interface TunnelPlan {
  readonly fromClient: DirectionPlan;
  readonly fromBackend: DirectionPlan;
  readonly idle: number;
  readonly lifetime: number;
  /** `strict`: only a pong answers a ping. */
  readonly keepalive: { readonly interval: number; readonly timeout: number; readonly strict: boolean } | undefined;
  readonly slowConsumer: { readonly maxBuffered: number; readonly timeout: number };
}

/** A tunnel's plan while the policies of a route write it, each its own part. */
export interface PlanDraft {
  fromClient: DirectionDraft;
  fromBackend: DirectionDraft;
  idle: number;
  lifetime: number;
  keepalive: TunnelPlan["keepalive"];
  slowConsumer: TunnelPlan["slowConsumer"];
}

interface DirectionDraft extends DirectionPlan {
  messages: FlowLimit[];
  bytes: FlowLimit[];
  maxMessage: number;
  maxFragments: number;
}

const direction = (): DirectionDraft => ({
  messages: [],
  bytes: [],
  maxMessage: Number.POSITIVE_INFINITY,
  maxFragments: Number.POSITIVE_INFINITY,
});

/** A plan without any limit. */
export function emptyPlan(): PlanDraft {
  return {
    fromClient: direction(),
    fromBackend: direction(),
    idle: 0,
    lifetime: 0,
    keepalive: undefined,
    slowConsumer: { maxBuffered: Number.POSITIVE_INFINITY, timeout: Number.POSITIVE_INFINITY },
  };
}

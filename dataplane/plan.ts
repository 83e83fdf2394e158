import type { DirectionPlan, FlowLimit, TunnelPlan } from "./tunnel.ts";

/** A tunnel's plan while the policies of a route fill it in, each its own part. */
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

import type { CompiledRoute } from "../config/snapshot.ts";
import type { Trace } from "../debug/trace.ts";
import type { PolicySteps } from "../policy.ts";

/** Steps of a handshake that ask the store. */
const SHARED = ["screenShared", "admitShared"] as const;
const STEPS = ["screen", "authenticate", "admit", ...SHARED] as const;

/** The policies of a route that a handshake goes through, in the chain's order: each is one step of the trace. */
export function planTrace(trace: Trace, { chain, shared }: CompiledRoute): void {
  const acting = chain.filter((policy) => hasAny(policy, STEPS));
  const asksStore = shared !== undefined && acting.some((policy) => hasAny(policy, SHARED));
  trace.planned(
    acting.map(({ kind }) => kind),
    asksStore,
  );
}

function hasAny(policy: PolicySteps, steps: readonly (keyof PolicySteps)[]): boolean {
  return steps.some((step) => policy[step] !== undefined);
}

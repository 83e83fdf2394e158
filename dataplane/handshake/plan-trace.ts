import type { CompiledRoute } from "../config/snapshot.ts";
import type { Trace } from "../debug/trace.ts";
import type { PolicySteps } from "../policy.ts";

/** Steps of a handshake; those that ask the store among them. */
const STEPS = ["screen", "screenShared", "authenticate", "admit", "admitShared"] as const;

/** The policies of a route that a handshake goes through, in the chain's order: each is one step of the trace. */
export function planTrace(trace: Trace, { chain, shared }: CompiledRoute): void {
  const acting = chain.filter((policy) => STEPS.some((step) => policy[step] !== undefined));
  trace.planned(
    acting.map(({ kind }) => kind),
    shared !== undefined && acting.some(asksStore),
  );
}

function asksStore({ screenShared, admitShared }: PolicySteps): boolean {
  return screenShared !== undefined || admitShared !== undefined;
}

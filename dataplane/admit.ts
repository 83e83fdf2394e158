import type { Handshake } from "./handshake.ts";
import { ANYONE, type Identity } from "./identity.ts";
import type { Enforcement } from "./policies/policy.ts";
import type { Refusal } from "./rejection.ts";

/**
 * Runs the chain over a handshake: whom it is from, or why it is refused. No backend has been dialled yet. `enter` takes
 * the place of who is admitted, before anybody else is looked at.
 */
export async function admit(
  chain: readonly Enforcement[],
  handshake: Handshake,
  signal: AbortSignal,
  enter: (identity: Identity) => void,
): Promise<Identity | Refusal> {
  for (const policy of chain) {
    const refusal = policy.screen?.(handshake);
    if (refusal !== undefined) return refusal;
  }
  let identity = ANYONE;
  for (const policy of chain) {
    const proven = await policy.authenticate?.(handshake, signal);
    if (proven === undefined) continue;
    if (isRefusal(proven)) return proven;
    identity = proven;
  }
  // No await from here to the place that is taken, not even the caller's: what is counted here is still true there.
  for (const policy of chain) {
    const refusal = policy.admit?.(handshake, identity);
    if (refusal !== undefined) return refusal;
  }
  enter(identity);
  return identity;
}

/** Tells the two outcomes of a step apart. */
export function isRefusal(outcome: object): outcome is Refusal {
  return "reason" in outcome;
}

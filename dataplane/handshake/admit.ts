import type { Handshake } from "../opening-handshake.ts";
import { ANYONE, type Identity } from "../identity.ts";
import type { PolicySteps } from "../policy.ts";
import type { Refusal } from "../rejection.ts";
import { isRefusal } from "../rejection.ts";

/** Runs the first steps of the chain over a handshake: whom it is from, or why it is refused. An issuer may take seconds. */
export async function identify(
  chain: readonly PolicySteps[],
  handshake: Handshake,
  signal: AbortSignal,
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
  return identity;
}

/**
 * Runs the steps that depend on the client's identity; no backend has been dialled yet. The place of a client that is
 * admitted must be taken before the next await: what is counted here is still true then.
 */
export function admit(chain: readonly PolicySteps[], handshake: Handshake, identity: Identity): Refusal | undefined {
  for (const policy of chain) {
    const refusal = policy.admit?.(handshake, identity);
    if (refusal !== undefined) return refusal;
  }
  return undefined;
}

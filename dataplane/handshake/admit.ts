import type { Handshake } from "../opening-handshake.ts";
import { ANYONE, type Identity } from "../identity.ts";
import type { PolicySteps } from "../policy.ts";
import { isRefusal, type Refusal } from "../rejection.ts";
import type { Trace } from "../debug/trace.ts";
import { reserve, wantedBy, type Asking } from "./reserve.ts";

/** Runs the chain's steps `screen` and `authenticate`: the client's identity, or why it is refused. An issuer may take seconds. */
export async function identify(
  chain: readonly PolicySteps[],
  handshake: Handshake,
  signal: AbortSignal,
  asking?: Asking,
  trace?: Trace,
): Promise<Identity | Refusal> {
  for (const policy of chain) {
    const refusal = policy.screen?.(handshake);
    if (policy.screen !== undefined) trace?.passed(policy.kind);
    if (refusal !== undefined) return { ...refusal, policy: policy.kind };
  }
  if (asking?.shared !== undefined && chain.some((policy) => policy.screenShared !== undefined)) {
    const refusal = await screenShared(chain, handshake, signal, asking, trace);
    if (refusal !== undefined) return refusal;
    if (signal.aborted) return ANYONE; // the caller asks the signal first
  }
  let identity = ANYONE;
  for (const policy of chain) {
    const proven = await policy.authenticate?.(handshake, signal);
    if (policy.authenticate !== undefined) trace?.passed(policy.kind);
    if (proven === undefined) continue;
    if (isRefusal(proven)) return { ...proven, policy: policy.kind };
    identity = proven;
  }
  return identity;
}

/** Asks the store for what counts before the client is known. */
async function screenShared(
  chain: readonly PolicySteps[],
  handshake: Handshake,
  signal: AbortSignal,
  asking: Asking,
  trace: Trace | undefined,
): Promise<Refusal | undefined> {
  const wanted = wantedBy(chain, (policy) => policy.screenShared?.(handshake));
  if (wanted.length === 0) return undefined;
  // A crowd that leaves while it waits for its turns costs the others nothing.
  const ask = async (): Promise<Refusal | undefined> =>
    signal.aborted ? undefined : (await reserve(wanted, [], asking)).refusal;
  const refusal = await asking.turns.take(ask);
  trace?.passed("store");
  return refusal;
}

/**
 * Runs the chain's step `admit`, which depends on the client's identity; no backend has been dialled yet. The caller must
 * take the client's slot among the open connections before its next await: until then what was counted here holds.
 */
export function admit(
  chain: readonly PolicySteps[],
  handshake: Handshake,
  identity: Identity,
  trace?: Trace,
): Refusal | undefined {
  for (const policy of chain) {
    const refusal = policy.admit?.(handshake, identity);
    if (policy.admit !== undefined) trace?.passed(policy.kind);
    if (refusal === undefined) continue;
    for (const before of chain.slice(0, chain.indexOf(policy))) before.refusedBehind?.(handshake, identity);
    return { ...refusal, policy: policy.kind };
  }
  return undefined;
}

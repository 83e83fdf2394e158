import type { PolicySteps, Party } from "../policy.ts";
import type { Termination } from "../rejection.ts";

/** Why these policies take back a permission that they, or older versions of them, gave; undefined: it still holds. */
export function review(chain: readonly PolicySteps[], party: Party): Termination | undefined {
  for (const policy of chain) {
    const termination = policy.review?.(party);
    if (termination !== undefined) return { ...termination, policy: policy.kind };
  }
  return undefined;
}

/** Calls `end` when a permission goes away without a config change; the returned function stops the watch. */
export function watch(
  chain: readonly PolicySteps[],
  party: Party,
  end: (termination: Termination) => void,
): () => void {
  const stops = chain.flatMap(
    (policy) => policy.watch?.(party, (termination) => end({ ...termination, policy: policy.kind })) ?? [],
  );
  return () => {
    for (const stop of stops) stop();
  };
}

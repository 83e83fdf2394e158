import type { PolicySteps, Party } from "../policy.ts";
import type { Termination } from "../rejection.ts";

/** Why these policies no longer permit what they, or an older version of them, permitted; undefined: they still do. */
export function review(chain: readonly PolicySteps[], party: Party): Termination | undefined {
  for (const policy of chain) {
    const termination = policy.review?.(party);
    if (termination !== undefined) return termination;
  }
  return undefined;
}

/** Calls `end` when a permission goes away without a config change; the returned function stops the watch. */
export function watch(
  chain: readonly PolicySteps[],
  party: Party,
  end: (termination: Termination) => void,
): () => void {
  const stops = chain.flatMap((policy) => policy.watch?.(party, end) ?? []);
  return () => {
    for (const stop of stops) stop();
  };
}

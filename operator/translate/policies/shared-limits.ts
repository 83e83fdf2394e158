import type { PoliciesSpec } from "../../../api/policies/index.ts";
import type { PolicySettings } from "./policy.ts";

type Limit = { readonly per: string };
type Limits = { readonly fromClient: readonly Limit[]; readonly fromBackend: readonly Limit[] };

/** Do any of these policies limit what several pods may serve at the same time: a client, an address, a route, the proxy? */
export function limitsOverPods({
  attempts = [],
  connections = [],
  messages,
  bytes,
}: Pick<PolicySettings | PoliciesSpec, "attempts" | "connections" | "messages" | "bytes">): boolean {
  const inBoth = (limits: Limits | undefined): readonly Limit[] =>
    limits === undefined ? [] : [...limits.fromClient, ...limits.fromBackend];
  // A session is on one pod.
  return [...attempts, ...connections, ...inBoth(messages), ...inBoth(bytes)].some(({ per }) => per !== "Connection");
}

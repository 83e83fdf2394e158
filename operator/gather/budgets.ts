const MIB = 1024 * 1024;

/** Names of the budgets of one proxy: the label values of `wsproxy_operator_budget_exceeded`. */
export const BUDGETS = ["secrets", "bytes", "entries", "endpoints", "spec", "pods"] as const;
export type Budget = (typeof BUDGETS)[number];

/** The most that a pass reads for one proxy, whatever its namespace holds. */
export const MOST = {
  /** Secrets that its selectors find. */
  secrets: 1000,
  /** Bytes of the Secrets and ConfigMaps that it names or selects. */
  bytes: 16 * MIB,
  /** Entries of the Secrets that it selects; the last Secret may go beyond it. */
  entries: 12_000,
  /** EndpointSlices of the Services that it names, and the addresses and bytes in them. */
  slices: 1000,
  addresses: 20_000,
  sliceBytes: 16 * MIB,
  /** Pods with its label: enough for the most replicas, and for the further pods of a rollout. */
  pods: 1500,
  /** Injected pods with its label: users make as many as they need. */
  injectedPods: 10_000,
} as const;

/** Objects that are read together; the budget is checked after each chunk. */
export const CHUNK = 4;

/** Why a budget left Secrets and ConfigMaps out, in words for the status. `found`: how many Secrets the selectors find. */
export function beyondWords(budget: "secrets" | "bytes" | "entries", found: number): string {
  const words = {
    secrets: `the selectors of API keys find ${found} Secrets, and ${MOST.secrets} are read for one WebSocketProxy; remove some`,
    bytes: `what the proxy refers to holds more than ${MOST.bytes / MIB}Mi, the most that is read for one WebSocketProxy; make it smaller`,
    entries: `the Secrets that are selected hold more than ${MOST.entries} entries, the most that is read for one WebSocketProxy; remove some`,
  };
  return `${words[budget]}, or divide them among several WebSocketProxies`;
}

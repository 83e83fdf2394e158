const MIB = 1024 * 1024;

/** Names of the budgets of one proxy, as the metric has them. */
export const BUDGETS = ["secrets", "bytes", "entries", "endpoints", "spec", "pods"] as const;
export type Budget = (typeof BUDGETS)[number];

/** What is read for one proxy at most, whatever its namespace holds. */
export const MOST = {
  /** Secrets that its selectors find. */
  secrets: 1000,
  /** Bytes of the Secrets and ConfigMaps that it refers to. */
  bytes: 16 * MIB,
  /** Entries of Secrets that are selected: those of the last one may lie beyond it. */
  entries: 12_000,
  /** EndpointSlices of the Services that it names, and the addresses and bytes in them. */
  slices: 1000,
  addresses: 20_000,
  sliceBytes: 16 * MIB,
  /** Pods with its label: as many as there can be replicas, and those of a rollout. */
  pods: 1500,
} as const;

/** Why Secrets and ConfigMaps were left unread, in words for the status. */
export function beyondWords(budget: "secrets" | "bytes" | "entries", found: number): string {
  const words = {
    secrets: `the selectors of API keys find ${found} Secrets, and ${MOST.secrets} are read for one WebSocketProxy; remove some`,
    bytes: `what the proxy refers to holds more than ${MOST.bytes / MIB}Mi, the most that is read for one WebSocketProxy; make it smaller`,
    entries: `the Secrets that are selected hold more than ${MOST.entries} entries, the most that is read for one WebSocketProxy; remove some`,
  };
  return `${words[budget]}, or divide them among several WebSocketProxies`;
}

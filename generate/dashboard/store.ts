import { PROXY, quantiles, rate, type Row } from "./panel.ts";

/** Panels about the store that counts limits over all pods. Without a `spec.store` they are empty. */
export const store: readonly Row[] = [
  {
    title: "Store",
    panels: [
      {
        title: "Pods that reach the store",
        description:
          "Of each proxy with a store, the share of its pods that count over all pods. The others count by themselves, or refuse.",
        unit: "percentunit",
        queries: [[`avg by (proxy) (wsproxy_store_available{${PROXY}})`, "{{proxy}}"]],
      },
      {
        title: "Requests to the store",
        description: "By operation and result. Late: no answer came in time. Failed: an error, or no connection.",
        unit: "ops",
        queries: [
          [
            `sum by (operation, result) (${rate("wsproxy_store_requests_total", PROXY)}) > 0`,
            "{{operation}} {{result}}",
          ],
        ],
      },
      {
        title: "Duration of requests to the store",
        description:
          "Round trips of requests that were answered. A handshake waits for one, or for two with attempts per IP.",
        unit: "s",
        queries: quantiles("wsproxy_store_request_duration_seconds", PROXY),
      },
    ],
  },
];

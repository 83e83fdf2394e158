import { ROUTE, rate, type Row } from "./panel.ts";

/** What they carry, what they are held to, and how they end. */
export const traffic: readonly Row[] = [
  {
    title: "Traffic",
    panels: [
      {
        title: "Messages",
        description: "Forwarded in each direction. Control frames are not messages.",
        unit: "mps",
        queries: [[`sum by (direction) (${rate("wsproxy_messages_total")})`, "{{direction}}"]],
      },
      {
        title: "Bytes",
        description: "Payload as it is on the wire, in each direction.",
        unit: "Bps",
        queries: [[`sum by (direction) (${rate("wsproxy_bytes_total")})`, "{{direction}}"]],
      },
      {
        title: "Size of messages",
        description: "The mean, in each direction.",
        unit: "bytes",
        queries: [
          [
            `sum by (direction) (${rate("wsproxy_bytes_total")}) / sum by (direction) (${rate("wsproxy_messages_total")})`,
            "{{direction}}",
          ],
        ],
      },
    ],
  },
  {
    title: "Limits and endings",
    panels: [
      {
        title: "Limits hit",
        description: "By policy, what it counts per, and what was done. Shadow: what would have been done.",
        unit: "ops",
        queries: [
          [
            `sum by (policy, per, action, enforcement) (${rate("wsproxy_limit_hits_total")})`,
            "{{policy}} per {{per}}: {{action}} {{enforcement}}",
          ],
        ],
      },
      {
        title: "Closes by code",
        description: "Why sessions ended, and who ended them.",
        unit: "ops",
        queries: [
          [`sum by (code, reason, by) (${rate("wsproxy_connections_closed_total")})`, "{{code}} {{reason}}, {{by}}"],
        ],
      },
      {
        title: "Lost permissions",
        description: "Sessions that ended because a credential expired or was taken away.",
        unit: "ops",
        queries: [[`sum by (reason) (${rate("wsproxy_credential_terminations_total")})`, "{{reason}}"]],
      },
      {
        title: "Slow consumers",
        description: "Sessions that ended because an end took nothing.",
        unit: "ops",
        queries: [[`sum by (proxy, route) (${rate("wsproxy_slow_consumers_total")})`, "{{proxy}} {{route}}"]],
      },
      {
        title: "Paused sessions",
        description: "Sessions of which a direction waits: for a slow receiver, or because of a Delay limit.",
        unit: "short",
        queries: [[`sum by (proxy, route) (wsproxy_paused_connections{${ROUTE}})`, "{{proxy}} {{route}}"]],
      },
      {
        title: "Buffered",
        description: "Bytes kept for receivers that have not taken them.",
        unit: "bytes",
        queries: [[`sum by (proxy, route) (wsproxy_buffered_bytes{${ROUTE}})`, "{{proxy}} {{route}}"]],
      },
    ],
  },
];

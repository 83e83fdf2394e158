import { ROUTE, rate, type Row } from "./panel.ts";

/** Panels about traffic, limits, and how sessions end. */
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
        description: "Payload bytes on the wire, in each direction.",
        unit: "Bps",
        queries: [[`sum by (direction) (${rate("wsproxy_bytes_total")})`, "{{direction}}"]],
      },
      {
        title: "Size of messages",
        description: "Mean size, in each direction.",
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
        description: "By policy, subject and action. Shadow: the action that the limit would have taken.",
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
        description: "Why sessions ended, and whether client, backend or gateway ended them.",
        unit: "ops",
        queries: [
          [`sum by (code, reason, by) (${rate("wsproxy_connections_closed_total")})`, "{{code}} {{reason}}, {{by}}"],
        ],
      },
      {
        title: "Lost permissions",
        description: "Sessions that ended because a credential expired or was revoked.",
        unit: "ops",
        queries: [[`sum by (reason) (${rate("wsproxy_credential_terminations_total")})`, "{{reason}}"]],
      },
      {
        title: "Slow consumers",
        description: "Sessions that ended because client or backend did not read.",
        unit: "ops",
        queries: [[`sum by (proxy, route) (${rate("wsproxy_slow_consumers_total")})`, "{{proxy}} {{route}}"]],
      },
      {
        title: "Paused sessions",
        description: "Sessions with a paused direction: for a slow receiver, or because of a Delay limit.",
        unit: "short",
        queries: [[`sum by (proxy, route) (wsproxy_paused_connections{${ROUTE}})`, "{{proxy}} {{route}}"]],
      },
      {
        title: "Buffered",
        description: "Bytes that are buffered for receivers that have not taken them.",
        unit: "bytes",
        queries: [[`sum by (proxy, route) (wsproxy_buffered_bytes{${ROUTE}})`, "{{proxy}} {{route}}"]],
      },
    ],
  },
];

import { PROXY, ROUTE, quantiles, rate, type Row } from "./panel.ts";

/** Panels about sessions and handshakes. */
export const sessions: readonly Row[] = [
  {
    title: "Overview",
    panels: [
      {
        title: "Sessions",
        description: "Open now.",
        unit: "short",
        stat: true,
        queries: [[`sum(wsproxy_connections{${ROUTE}})`]],
      },
      {
        title: "Fullest pod",
        description: "Sessions of the pod that is nearest to dataplane.maxConnections. Above it: 503 Overloaded.",
        unit: "percentunit",
        stat: true,
        queries: [[`max(sum without (route) (wsproxy_connections{${PROXY}}) / wsproxy_connections_limit{${PROXY}})`]],
      },
      {
        title: "Refused handshakes",
        description: "Share of handshakes that were not answered 101.",
        unit: "percentunit",
        stat: true,
        queries: [
          [
            `(sum(${rate("wsproxy_handshakes_total", `${ROUTE}, status!="101"`)}) or vector(0)) / sum(${rate("wsproxy_handshakes_total")})`,
          ],
        ],
      },
      {
        title: "Messages",
        description: "Forwarded in both directions.",
        unit: "mps",
        stat: true,
        queries: [[`sum(${rate("wsproxy_messages_total")})`]],
      },
      {
        title: "Certificate expires in",
        description: "Of all listeners with TLS, the certificate that expires first.",
        unit: "s",
        stat: true,
        queries: [[`min(wsproxy_certificate_expiry_timestamp_seconds{${PROXY}}) - time()`]],
      },
      {
        title: "Dropped by a config change",
        description:
          "Sessions that a config change ended although it took no permission away. Any value but 0 is a defect of wsproxy.",
        unit: "short",
        stat: true,
        queries: [[`sum(wsproxy_config_dropped_sessions_total{${PROXY}})`]],
      },
    ],
  },
  {
    title: "Connections",
    panels: [
      {
        title: "Sessions by route",
        description: "Open now.",
        unit: "short",
        queries: [[`sum by (proxy, route) (wsproxy_connections{${ROUTE}})`, "{{proxy}} {{route}}"]],
      },
      {
        title: "Sessions by pod",
        description: "Open now, with the limit of a pod.",
        unit: "short",
        queries: [
          [`sum by (pod) (wsproxy_connections{${PROXY}})`, "{{pod}}"],
          [`min by (proxy) (wsproxy_connections_limit{${PROXY}})`, "limit of {{proxy}}"],
        ],
      },
      {
        title: "Opened and closed",
        description: "Sessions per second. Reconnecting clients show as two lines that rise together.",
        unit: "ops",
        queries: [
          [`sum(${rate("wsproxy_connections_opened_total")})`, "opened"],
          [`sum(${rate("wsproxy_connections_closed_total")})`, "closed"],
        ],
      },
      {
        title: "Duration of sessions",
        description: "Duration of sessions that ended.",
        unit: "s",
        queries: quantiles("wsproxy_connection_duration_seconds"),
      },
      {
        title: "Draining sessions",
        description: "Sessions of stopping pods that wait for their turn to be closed.",
        unit: "short",
        queries: [[`sum by (proxy) (wsproxy_draining_connections{${PROXY}})`, "{{proxy}}"]],
      },
    ],
  },
  {
    title: "Handshakes",
    panels: [
      {
        title: "Handshakes by reason",
        description: "Answers to handshakes. docs/reference/reasons.md explains the reasons.",
        unit: "ops",
        queries: [[`sum by (status, reason) (${rate("wsproxy_handshakes_total")})`, "{{status}} {{reason}}"]],
      },
      {
        title: "Duration of handshakes",
        description: "From the complete request head to its answer, the backend's part included.",
        unit: "s",
        queries: quantiles("wsproxy_handshake_duration_seconds"),
      },
      {
        title: "Duration of backend connects",
        description: "Dial, TLS and the backend's 101.",
        unit: "s",
        queries: quantiles("wsproxy_backend_connect_duration_seconds"),
      },
      {
        title: "Authentications",
        description: "Credentials that were verified, by method and outcome.",
        unit: "ops",
        queries: [[`sum by (method, reason) (${rate("wsproxy_authentications_total")})`, "{{method}} {{reason}}"]],
      },
    ],
  },
];

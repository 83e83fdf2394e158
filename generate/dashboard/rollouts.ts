import type { Row } from "./panel.ts";

/** Conditions of proxies; `namespace` would be that of the operator, and `proxy` holds that of the proxy. */
const CONDITION = 'proxy=~"$namespace/.+", proxy=~"$proxy"';
const PROGRAMMED = `wsproxy_operator_proxy_condition{condition="Programmed", ${CONDITION}}`;

/** Panels about what the operator says of proxies. */
export const rollouts: readonly Row[] = [
  {
    title: "Rollouts",
    panels: [
      {
        title: "Conditions",
        description: "Each condition of each proxy with its reason now. 1 is True; 0 is not, and stands first.",
        unit: "none",
        queries: [[`max by (proxy, condition, reason) (wsproxy_operator_proxy_condition{${CONDITION}})`]],
        table: true,
      },
      {
        title: "Not programmed",
        description:
          "Proxies of which not every pod has the newest shape and config, by reason. RollingOut passes by itself; the others need a person.",
        unit: "short",
        queries: [[`count by (reason) (max by (proxy, reason) (${PROGRAMMED}) == 0) or vector(0)`, "{{reason}}"]],
      },
      {
        title: "Stuck rollouts",
        description:
          "Proxies whose pods do not get the newest shape or config, or do not become ready; those that are ready go on serving.",
        unit: "short",
        queries: [
          [
            `count(max by (proxy) (wsproxy_operator_proxy_condition{condition="Programmed", reason="RolloutStuck", ${CONDITION}}) == 0) or vector(0)`,
            "stuck",
          ],
        ],
      },
    ],
  },
];

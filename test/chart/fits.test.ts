import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ADMIN_PORT } from "../../api/meta.ts";
import { labelsOf, OPERATOR } from "../../operator/render/labels.ts";
import { PORT } from "../../operator/render/pod.ts";
import { restrictedViolations, type PodTemplate } from "../fakes/pod-security.ts";
import { CHART, helmBinary, objects, template, type Rendered } from "./helm.ts";

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}
type Labels = Readonly<Record<string, string>>;

const alerts = readFileSync(join(CHART, "files/alerts.yaml"), "utf8");

const selects = ({ matchLabels }: Selector, labels: Labels): boolean =>
  Object.entries(matchLabels).every(([name, value]) => labels[name] === value);

describe.skipIf(helmBinary() === undefined)(
  "the chart and what the operator makes (skipped where Helm is not installed)",
  () => {
    const settings = ["monitoring.enabled=true", "monitoring.namespaces={monitoring}", "networkPolicy.enabled=true"];
    const all = helmBinary() === undefined ? [] : objects(template(settings.flatMap((one) => ["--set", one])));
    const specOf = (kind: string, name: string): unknown => {
      const found = all.find((object: Rendered) => object.kind === kind && object.metadata.name === name);
      if (found === undefined) throw new Error(`there is no ${kind} ${name}`);
      return found["spec"];
    };
    const dataplane = labelsOf("wsproxy-chat");
    const pod = (): PodTemplate => (specOf("Deployment", "wsproxy-operator") as { template: PodTemplate }).template;

    test("agree on the operator's pods: its own policy, its Service, and every data plane's policy let them through", () => {
      const labels = pod().metadata.labels;
      expect(labels).toMatchObject(OPERATOR);
      expect(
        selects(
          { matchLabels: (specOf("Service", "wsproxy-operator-metrics") as { selector: Labels }).selector },
          labels,
        ),
      ).toBe(true);
      expect(
        selects((specOf("NetworkPolicy", "wsproxy-operator") as { podSelector: Selector }).podSelector, labels),
      ).toBe(true);
      expect(
        selects((specOf("PodDisruptionBudget", "wsproxy-operator") as { selector: Selector }).selector, labels),
      ).toBe(true);
    });

    test("agree on Pod Security: the operator's pods are as restricted as a data plane's", () => {
      expect(restrictedViolations(pod())).toEqual([]);
    });

    test("agree on data plane pods: they are scraped, and the operator may ask them", () => {
      const monitor = specOf("PodMonitor", "wsproxy-operator-dataplane") as {
        selector: Selector;
        podMetricsEndpoints: {
          port: string;
          metricRelabelings?: { sourceLabels: string[]; regex: string; action: string }[];
        }[];
      };
      expect(selects(monitor.selector, dataplane)).toBe(true);
      expect(monitor.podMetricsEndpoints.map(({ port }) => port)).toEqual([PORT.admin]);
      expect(selects(monitor.selector, pod().metadata.labels)).toBe(false);
      // A tenant's pod may have these labels: it must not speak for the operator, of every namespace.
      const [rule] = monitor.podMetricsEndpoints.flatMap(({ metricRelabelings = [] }) => metricRelabelings);
      expect(rule).toMatchObject({ sourceLabels: ["__name__"], action: "drop" });
      const names = [...alerts.matchAll(/wsproxy_\w+/g)].map(([name]) => name);
      const dropped = names.filter((name) => new RegExp(`^(?:${rule?.regex})$`).test(name));
      expect(new Set(dropped)).toEqual(new Set(names.filter((name) => name.startsWith("wsproxy_operator_"))));
      expect(dropped.length).toBeGreaterThan(5);
      const { egress } = specOf("NetworkPolicy", "wsproxy-operator") as {
        egress: { ports: { port: number }[]; to?: { podSelector: Selector }[] }[];
      };
      const [, pods] = egress;
      expect(pods?.ports).toEqual([{ port: ADMIN_PORT }]);
      expect(pods?.to?.map(({ podSelector }) => selects(podSelector, dataplane))).toEqual([true]);
    });
  },
);

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ADMIN_PORT, INJECT_LABEL, INJECTED_LABEL, SIDECAR } from "../../api/meta.ts";
import { labelsOf, OPERATOR } from "../../operator/render/labels.ts";
import { PORT } from "../../operator/render/pod.ts";
import { restrictedViolations, type PodTemplate } from "../fakes/pod-security.ts";
import { CHART, helmBinary, objects, template, type Rendered } from "./helm.ts";

interface Selector {
  readonly matchLabels: Readonly<Record<string, string>>;
}
type Labels = Readonly<Record<string, string>>;

interface Monitor {
  readonly selector: unknown;
  readonly podMetricsEndpoints: readonly { readonly port: string; readonly metricRelabelings?: unknown }[];
}

const INJECTED = { matchExpressions: [{ key: INJECTED_LABEL, operator: "Exists" }] };

/** Every webhook of every configuration. */
const webhooksOf = (all: readonly Rendered[]) =>
  all
    .filter(({ kind }) => kind.endsWith("WebhookConfiguration"))
    .flatMap((one) => one["webhooks"] as readonly Readonly<Record<string, unknown>>[]);

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
      const [, pods, injected] = egress;
      expect(pods?.ports).toEqual([{ port: ADMIN_PORT }]);
      expect(pods?.to?.map(({ podSelector }) => selects(podSelector, dataplane))).toEqual([true]);
      expect(injected?.to?.map(({ podSelector }) => podSelector)).toEqual([INJECTED]);
    });

    test("agree on injected pods: only their data planes are scraped, and none speaks for the operator", () => {
      const { selector, podMetricsEndpoints } = specOf("PodMonitor", "wsproxy-operator-sidecar") as Monitor;
      expect(selector).toEqual(INJECTED);
      expect(podMetricsEndpoints.map(({ port }) => port)).toEqual([SIDECAR.admin]);
      const ofGateways = specOf("PodMonitor", "wsproxy-operator-dataplane") as Monitor;
      expect(podMetricsEndpoints.map(({ metricRelabelings }) => metricRelabelings)).toEqual(
        ofGateways.podMetricsEndpoints.map(({ metricRelabelings }) => metricRelabelings),
      );
    });

    test("agree on the webhook: the API server reaches every pod of the operator, at the port that the operator opens", () => {
      const { selector, ports } = specOf("Service", "wsproxy-operator-webhook") as {
        selector: Labels;
        ports: { name: string; port: number; targetPort: string }[];
      };
      expect(selects({ matchLabels: selector }, pod().metadata.labels)).toBe(true);
      const [{ args, ports: open }] = pod().spec.containers as unknown as [
        { args: string[]; ports: { name: string; containerPort: number }[] },
      ];
      const port = open.find(({ name }) => name === ports[0]?.targetPort)?.containerPort;
      expect(args).toContain(`--webhook-port=${port}`);
      expect(args).toContain("--webhook-service=wsproxy-operator-webhook");
      const { ingress } = specOf("NetworkPolicy", "wsproxy-operator") as { ingress: object[] };
      expect(ingress).toContainEqual({ ports: [{ port: ports[0]?.targetPort }] });
      const [webhook] = webhooksOf(all);
      const { clientConfig } = webhook ?? {};
      const service = { namespace: "wsproxy-system", name: "wsproxy-operator-webhook", path: "/inject", port: 443 };
      expect([clientConfig, ports[0]?.port]).toEqual([{ service }, 443]);
    });

    test("agree on which pods Kubernetes asks about: labelled ones of served namespaces, never the operator's own", () => {
      for (const watched of [[], ["demo", "shop"]]) {
        const [webhook] = webhooksOf(objects(template(["--set-json", `watchNamespaces=${JSON.stringify(watched)}`])));
        const key = "kubernetes.io/metadata.name";
        expect(webhook).toMatchObject({
          name: "inject.wsproxy.dev",
          failurePolicy: "Fail",
          timeoutSeconds: 5,
          sideEffects: "None",
          reinvocationPolicy: "IfNeeded",
          objectSelector: { matchExpressions: [{ key: INJECT_LABEL, operator: "Exists" }] },
          rules: [{ resources: ["pods"], operations: ["CREATE"], scope: "Namespaced" }],
          namespaceSelector: {
            matchExpressions: [
              { key, operator: "NotIn", values: ["kube-system", "wsproxy-system"] },
              ...(watched.length === 0 ? [] : [{ key, operator: "In", values: watched }]),
            ],
          },
        });
      }
    });

    test("agree on no webhook: nothing of it is there, and the operator has no port for it", () => {
      const values = ["sidecar.enabled=false", "crds.install=false", "monitoring.alerts.enabled=false", ...settings];
      const off = template(values.flatMap((one) => ["--set", one]));
      expect(off).toContain("kind: Deployment");
      expect(off.replaceAll(/^ *#.*/gm, "")).not.toMatch(/webhook|inject|9443/i);
    });
  },
);

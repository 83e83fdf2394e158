import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { MODE_STAYS } from "../../api/websocket-proxy.ts";
import { CHART, helm, helmBinary, template } from "../chart/helm.ts";
import { freePort, Program, temporaryFolder } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { ControlPlane } from "./control-plane.ts";

const CASES = join(import.meta.dirname, "../chart/golden");
const HOME = "wsproxy-system";

let plane: ControlPlane;

// A control plane of its own: Helm makes the CRD here, and takes no CRD of others over.
beforeAll(async () => {
  plane = await ControlPlane.start();
  for (const namespace of [HOME, "demo", "shop"]) kubectl("create", "namespace", namespace);
  for (const file of ["monitoring-crds.yaml", "cert-manager-crd.yaml"])
    kubectl("apply", "-f", join(import.meta.dirname, file));
  kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s");
});
afterAll(() => plane.stop());

describe("the API server", () => {
  test.each(readdirSync(CASES))(
    "takes everything that the chart makes with the values of %s, every field known",
    (name) => {
      const rendered = template(["--values", join(CASES, name, "values.yaml")]);
      const said = kubectlWith(rendered, "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-");
      const objects = rendered.match(/^kind: /gm) ?? [];
      expect(said.match(/serverside-applied \(server dry run\)$/gm)).toHaveLength(objects.length);
    },
  );
});

describe("a release", () => {
  const release = (...args: readonly string[]): string => {
    const { status, out, err } = helm(...args, "--namespace", HOME, "--kubeconfig", plane.kubeconfig);
    if (status !== 0) throw new Error(err);
    return out;
  };
  const install = (...args: readonly string[]): string =>
    release("upgrade", "wsproxy", CHART, "--install", "--wait=hookOnly", "--set", "watchNamespaces={demo}", ...args);

  test("is installed; its operator does its work with the permissions that it has, and no others", async () => {
    expect(install()).toContain("STATUS: deployed");
    expect(bundle()).toBe("");
    kubectlWith(RESOURCES, "apply", "--server-side", "--validate=strict", "-f", "-");
    const kubeconfig = await accountOf("wsproxy-operator");
    const options = ["--namespace", HOME, "--watch-namespaces", "demo", "--dataplane-image", "wsproxy:test"];
    const webhook = ["--webhook-address", `127.0.0.1:${await freePort()}`, "--webhook-service", WEBHOOK];
    const itsObjects = ["--webhook-secret", WEBHOOK, "--webhook-configuration", CONFIGURATION];
    const all = ["--kubeconfig", kubeconfig, "--admin-port", "0", ...options, ...webhook, ...itsObjects];
    const operator = new Program(["operator", ...all]);
    await operator.logs("leading");

    await until("it says what it waits for", () => condition("Programmed") === "False Pending", 20_000);
    expect([condition("Accepted"), condition("ResolvedRefs")]).toEqual(["True Accepted", "True ResolvedRefs"]);
    for (const kind of ["serviceaccount", "networkpolicy", "poddisruptionbudget", "deployment", "service"])
      kubectl("get", kind, "wsproxy-chat", "-n", "demo");
    kubectl(
      "get",
      "secret/wsproxy-chat-config-0",
      "secret/wsproxy-chat-admin",
      "configmap/wsproxy-chat-endpoints",
      "-n",
      "demo",
    );
    expect(kubectl("get", "events.events.k8s.io", "-n", "demo", "-o", "name")).toContain("event.events.k8s.io/chat-");

    const uidOf = (...what: readonly string[]): string =>
      kubectl("get", ...what, "-n", "demo", "-o", "jsonpath={.metadata.uid}");
    kubectlWith(replicaSetOf(uidOf("deployment", "wsproxy-chat")), "apply", "-f", "-");
    kubectlWith(podOf(uidOf("replicaset", "wsproxy-chat-1")), "apply", "-f", "-");
    kubectl("patch", "pod", "chat-1", "-n", "demo", "--subresource=status", "--type=merge", "-p", RUNNING);
    const nudge = "{.metadata.annotations.wsproxy\\.dev/config}";
    kubectlWith(RESOURCES.replace("alice: a-key", "bob: another-key"), "apply", "--server-side", "-f", "-");
    await until(
      "the pod is told of new config",
      () => kubectl("get", "pod", "chat-1", "-n", "demo", "-o", `jsonpath=${nudge}`) !== "",
    );

    const toSidecar = ["patch", "wsp", "chat", "-n", "demo", "--type=merge", "-p", SIDECAR];
    expect(() => kubectl(...toSidecar)).toThrow(MODE_STAYS);
    expect(kubectl("get", "deployment,service", "-n", "demo", "-o", "name")).toBe(
      "deployment.apps/wsproxy-chat\nservice/echo\nservice/wsproxy-chat\n",
    );
    await operator.logs("webhook certificate trusted");
    expect(bundle()).not.toBe("");
    expect(kubectl("get", "secret", WEBHOOK, "-n", HOME, "-o", "jsonpath={.type}")).toBe("kubernetes.io/tls");
    operator.signal("SIGTERM");
    expect(await operator.exit()).toBe(0);
    expect(`${operator.stdout}${operator.stderr}`).not.toMatch(/forbidden|"status":403/i);
    expect(kubectl("get", "lease", "wsproxy-operator", "-n", HOME, "-o", "jsonpath={.spec.holderIdentity}")).toBe("");
  });

  test.each([
    ["list", "secrets", "shop"],
    ["list", "secrets", HOME],
    ["get", "secrets", HOME],
    ["list", "websocketproxies", "shop"],
    ["create", "deployments", "shop"],
    ["create", "rolebindings", "demo"],
    ["create", "pods", "demo"],
    ["create", "pods/exec", "demo"],
    ["create", "serviceaccounts/token", "demo"],
    ["impersonate", "users", "demo"],
    ["list", "namespaces", "demo"],
    ["update", "websocketproxies", "demo"],
    ["patch", "secrets", HOME],
    ["list", "mutatingwebhookconfigurations", HOME],
    ["create", "mutatingwebhookconfigurations", HOME],
    ["patch", "mutatingwebhookconfigurations", HOME],
  ])("that watches demo may not %s %s in %s", (verb, resource, namespace) => {
    const as = `--as=${ACCOUNT}`;
    const [kind = "", subresource = ""] = resource.split("/");
    const { stdout } = run(["auth", "can-i", verb, kind, `--subresource=${subresource}`, "-n", namespace, as]);
    expect(stdout).toBe("no\n");
  });

  test.each([
    [`secrets/${WEBHOOK}`, "get", "patch"],
    [`mutatingwebhookconfigurations/${CONFIGURATION}`, "get", "patch"],
    ["mutatingwebhookconfigurations/other"],
    ["secrets/other"],
  ])("may do with %s what its webhook needs, and nothing else", (what, ...verbs) => {
    const may = ["get", "list", "watch", "update", "patch", "delete"].filter(
      (verb) => run(["auth", "can-i", verb, what, "-n", HOME, `--as=${ACCOUNT}`]).stdout === "yes\n",
    );
    expect(may).toEqual(verbs);
  });

  test("leaves the operator's caBundle there, in upgrades and rollbacks of both kinds", () => {
    const account = ["--as", ACCOUNT, "--field-manager=wsproxy-operator"];
    kubectlWith(TRUST, "apply", "--server-side", ...account, "-f", "-");
    expect(bundle()).toBe(BUNDLE);
    for (const kind of ["false", "true"]) {
      install("--set", "logLevel=debug", `--server-side=${kind}`);
      expect(bundle()).toBe(BUNDLE);
      release("rollback", "wsproxy", "1", `--server-side=${kind}`);
      expect(bundle()).toBe(BUNDLE);
    }
    expect(() =>
      kubectlWith(TRUST.replace(CONFIGURATION, "other"), "apply", "--server-side", ...account, "-f", "-"),
    ).toThrow(/cannot (patch|create) resource "mutatingwebhookconfigurations"/);
  });

  test("that is upgraded upgrades the CRD", () => {
    kubectl("patch", "crd", "websocketproxies.wsproxy.dev", "--type=json", "-p", OLD_CRD);
    const columns = [
      "get",
      "crd",
      "websocketproxies.wsproxy.dev",
      "-o",
      "jsonpath={..additionalPrinterColumns[*].name}",
    ];
    expect(kubectl(...columns)).toBe("Old");
    install("--set", "replicas=1", "--force-conflicts");
    expect(kubectl(...columns)).toMatch(/^Mode Ready/);
    expect(kubectl("get", "deployment", "wsproxy-operator", "-n", HOME, "-o", "jsonpath={.spec.replicas}")).toBe("1");
  });

  test("that is uninstalled leaves the CRD and every WebSocketProxy; one that is installed again takes them over", () => {
    release("uninstall", "wsproxy");
    expect(kubectl("get", "wsp", "-n", "demo", "-o", "name")).toBe("websocketproxy.wsproxy.dev/chat\n");
    expect(kubectl("get", "role,rolebinding", "-n", "demo", "-o", "name")).toBe("");
    expect(kubectl("get", "deployment,serviceaccount,role,pdb,service", "-n", HOME, "-o", "name")).not.toContain(
      "wsproxy",
    );
    expect(kubectl("get", "mutatingwebhookconfigurations,clusterroles", "-o", "name")).not.toContain("wsproxy");
    expect(install()).toContain("STATUS: deployed");
    release("uninstall", "wsproxy");
  });

  test("of another name takes the CRD over when it is told to, and not before", () => {
    const other = (...args: readonly string[]): string =>
      release("upgrade", "gateways", CHART, "--install", "--wait=hookOnly", "--set", "watchNamespaces={demo}", ...args);
    expect(() => other()).toThrow(/websocketproxies.wsproxy.dev.* exists and cannot be imported/);
    expect(other("--take-ownership")).toContain("STATUS: deployed");
    expect(kubectl("get", "wsp", "-n", "demo", "-o", "name")).toBe("websocketproxy.wsproxy.dev/chat\n");
  });
});

const ACCOUNT = `system:serviceaccount:${HOME}:wsproxy-operator`;
const WEBHOOK = "wsproxy-operator-webhook";
const CONFIGURATION = `wsproxy-operator.${HOME}`;

const BUNDLE = Buffer.from("-----BEGIN CERTIFICATE-----").toString("base64");
/** What the operator writes of its webhook. */
const TRUST = `apiVersion: admissionregistration.k8s.io/v1
kind: MutatingWebhookConfiguration
metadata: { name: ${CONFIGURATION} }
webhooks: [{ name: inject.wsproxy.dev, clientConfig: { caBundle: ${BUNDLE} } }]
`;

const RESOURCES = `apiVersion: v1
kind: Service
metadata: { name: echo, namespace: demo }
spec: { ports: [{ port: 80 }] }
---
apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: demo, labels: { keys: chat } }
stringData: { alice: a-key-of-enough-characters }
---
apiVersion: wsproxy.dev/v1alpha1
kind: WebSocketProxy
metadata: { name: chat, namespace: demo }
spec:
  routes:
    - name: main
      backends: [{ service: echo, port: 80 }]
      policies: { authentication: { apiKey: { secretSelector: { matchLabels: { keys: chat } } } } }
`;

const LABELS = `
    app.kubernetes.io/name: wsproxy
    app.kubernetes.io/component: dataplane
    app.kubernetes.io/managed-by: wsproxy-operator
    wsproxy.dev/proxy: wsproxy-chat`;
const CONTAINERS = `{ containers: [{ name: dataplane, image: "wsproxy:test" }] }`;

/** The ReplicaSet that a Deployment controller would create. */
const replicaSetOf = (deployment: string): string => `apiVersion: apps/v1
kind: ReplicaSet
metadata:
  name: wsproxy-chat-1
  namespace: demo
  labels:${LABELS}
  ownerReferences:
    - { apiVersion: apps/v1, kind: Deployment, name: wsproxy-chat, uid: ${deployment}, controller: true }
spec:
  replicas: 1
  selector: { matchLabels: { wsproxy.dev/proxy: wsproxy-chat } }
  template: { metadata: { labels: { wsproxy.dev/proxy: wsproxy-chat } }, spec: ${CONTAINERS} }
`;

/** The Pod that a ReplicaSet controller would create from it. */
const podOf = (replicaSet: string): string => `apiVersion: v1
kind: Pod
metadata:
  name: chat-1
  namespace: demo
  labels:${LABELS}
  ownerReferences:
    - { apiVersion: apps/v1, kind: ReplicaSet, name: wsproxy-chat-1, uid: ${replicaSet}, controller: true }
spec: ${CONTAINERS}
`;

const RUNNING = JSON.stringify({ status: { phase: "Running" } });
const SIDECAR = JSON.stringify({ spec: { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } } });
const OLD_CRD = JSON.stringify([
  {
    op: "replace",
    path: "/spec/versions/0/additionalPrinterColumns",
    value: [{ name: "Old", type: "string", jsonPath: ".spec.mode" }],
  },
]);

/** In base64; empty: none. */
function bundle(): string {
  const path = "{.webhooks[?(@.name=='inject.wsproxy.dev')].clientConfig.caBundle}";
  return kubectl("get", "mutatingwebhookconfigurations", CONFIGURATION, "-o", `jsonpath=${path}`);
}

/** A kubeconfig with a token of the account, like that in its pod. */
async function accountOf(name: string): Promise<string> {
  const token = kubectl("create", "token", name, "-n", HOME).trim();
  const config = JSON.parse(kubectl("config", "view", "--raw", "-o", "json")) as { users: { user: unknown }[] };
  config.users = config.users.map((user) => ({ ...user, user: { token } }));
  const file = join(await temporaryFolder(), "kubeconfig");
  await writeFile(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

/** `False Pending`. */
function condition(type: string): string {
  const path = `{.status.conditions[?(@.type=="${type}")]['status','reason']}`;
  return kubectl("get", "wsp", "chat", "-n", "demo", "-o", `jsonpath=${path}`);
}

function kubectl(...args: readonly string[]): string {
  return kubectlWith("", ...args);
}

function kubectlWith(input: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = run(args, input);
  if (status !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function run(args: readonly string[], input = "") {
  const file = (helmBinary() ?? "").replace(/helm$/, "kubectl"); // built beside it
  return spawnSync(file, ["--kubeconfig", plane.kubeconfig, ...args], { input, encoding: "utf8" });
}

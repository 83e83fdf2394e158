import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { systemClock } from "../../runtime/clock.ts";
import { helmBinary, objects, template } from "../chart/helm.ts";
import { create, destroy } from "./bench.ts";
import { ControlPlane } from "./control-plane.ts";
import { creation } from "./creations.ts";
import { eventually } from "./operator-bench.ts";
import { Endpoint, ServingOperator } from "./serving-operator.ts";
import { podOf, type Pod } from "./webhook-pods.ts";

/** Namespace of the release. */
export const HOME = "wsproxy-system";
export const WEBHOOK = "wsproxy-operator-webhook";
export const CONFIGURATION = `wsproxy-operator.${HOME}`;

/** A control plane with a release of the chart, whose API server calls operators that run on this machine. */
export class WebhookPlane {
  /** May do everything. */
  readonly client: KubeClient;
  readonly #plane: ControlPlane;
  readonly #folder: string;
  readonly #operators: ServingOperator[] = [];
  #started = 0;

  private constructor(plane: ControlPlane, client: KubeClient, folder: string) {
    this.#plane = plane;
    this.client = client;
    this.#folder = folder;
  }

  static async start(): Promise<WebhookPlane> {
    const control = await ControlPlane.start({ controllerManager: true, webhooks: true });
    const client = new KubeClient(await control.config(), systemClock);
    const plane = new WebhookPlane(control, client, await mkdtemp(join(tmpdir(), "wsproxy-webhook-")));
    await plane.namespace(HOME, {});
    await plane.release();
    return plane;
  }

  /** Applies the release, with values in `helm template`'s arguments. */
  async release(...values: readonly string[]): Promise<void> {
    // Their pods would be those of a node; the operators run here. No cert-manager runs.
    const left = new Set(["Deployment", "Certificate"]);
    await this.apply(objects(template(values)).filter(({ kind }) => !left.has(kind)));
  }

  async stop(): Promise<void> {
    await this.endOperators();
    this.client.close();
    await this.#plane.stop();
    await rm(this.#folder, { recursive: true });
  }

  /** Applies objects as the chart has them: each field must be known. */
  async apply(all: readonly object[]): Promise<void> {
    const list = JSON.stringify({ apiVersion: "v1", kind: "List", items: all });
    const { status, err } = await this.kubectl(list, "apply", "--server-side", "--validate=strict", "-f", "-");
    if (status !== 0) throw new Error(err);
  }

  /** Runs kubectl to its end, while this process goes on answering. */
  kubectl(input: string, ...args: readonly string[]): Promise<{ status: number | null; out: string; err: string }> {
    const file = (helmBinary() ?? "").replace(/helm$/, "kubectl"); // built beside it
    const child = spawn(file, ["--kubeconfig", this.#plane.kubeconfig, ...args]);
    let [out, err] = ["", ""];
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
    child.stdin.end(input);
    return new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status) => resolve({ status, out, err }));
    });
  }

  /** Makes a namespace; resolves when pods can be created in it: they need its ServiceAccount. */
  async namespace(name: string, labels: Readonly<Record<string, string>>): Promise<void> {
    await this.client.request({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name, labels } } });
    const path = pathOf(KINDS.ServiceAccount, name, "default");
    await eventually("the namespace has its ServiceAccount", async () => {
      return (await this.client.request({ path }).catch(() => undefined)) !== undefined;
    });
  }

  /** A namespace that enforces Pod Security *restricted*, with a proxy `chat` whose config is in force. */
  async namespaceOfChat(name: string): Promise<string> {
    await this.namespace(name, { "pod-security.kubernetes.io/enforce": "restricted" });
    await this.chat(name);
    return name;
  }

  /** A proxy `chat` in a namespace; resolves when labelled pods get its gateway. */
  async chat(namespace: string): Promise<void> {
    await create(this.client, "WebSocketProxy", namespace, "chat", { spec: CHAT });
    let last: string | undefined;
    await eventually("pods get the gateway", async () => {
      const make = (): Promise<Pod> => this.create(namespace, podOf({ name: "probe" }), { dryRun: "All" });
      last = (await creation(make)).failure;
      return last === undefined;
    }).catch((error: unknown) => {
      throw new Error(`${String(error)}; last: ${last}`);
    });
  }

  /** Creates a pod; resolves with it as it is stored. */
  create(namespace: string, body: object, query: Readonly<Record<string, string>> = {}): Promise<Pod> {
    return this.client.request<Pod>({ method: "POST", path: pathOf(KINDS.Pod, namespace), body, query });
  }

  /** Starts an operator with the flags that the chart gives it with these values, and with its rights. */
  async operator(...values: readonly string[]): Promise<ServingOperator> {
    const endpoint = await Endpoint.reserve(this.client, HOME, WEBHOOK);
    const kubeconfig = join(this.#folder, "operator.kubeconfig");
    await writeFile(kubeconfig, (await this.account()).exportConfig(), { mode: 0o600 });
    this.#started += 1;
    const log = join(this.#folder, `operator-${this.#started}.log`);
    const args = [...flagsOfTheChart(values), "--kubeconfig", kubeconfig];
    const operator = await ServingOperator.start(endpoint, args, log);
    this.#operators.push(operator);
    return operator;
  }

  /** Ends all operators; the next one leads at once. */
  async endOperators(): Promise<void> {
    const operators = this.#operators.splice(0);
    for (const operator of operators) await operator.stop();
    if (operators.length > 0) await destroy(this.client, "Lease", HOME, "wsproxy-operator");
  }

  /** For a client that is the operator's ServiceAccount. */
  async account(): Promise<KubeConfig> {
    const { status } = await this.client.request<{ readonly status: { readonly token: string } }>({
      method: "POST",
      path: `${pathOf(KINDS.ServiceAccount, HOME, "wsproxy-operator")}/token`,
      body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
    });
    const config = new KubeConfig();
    const [cluster] = (await this.#plane.config()).clusters;
    if (cluster === undefined) throw new Error("the kubeconfig has no cluster");
    config.loadFromClusterAndUser(cluster, { name: "operator", token: status.token });
    return config;
  }
}

const NONE = { authentication: { require: "None" } };
/** The spec of the proxy `chat`. */
const CHAT = {
  mode: "Sidecar",
  sidecar: { selector: { matchLabels: { app: "chat" } } },
  routes: [{ name: "main", backends: [{ port: 3000 }], policies: NONE }],
};

/** Those of the operator's container, but for the webhook's port: each operator here has one of its own. */
function flagsOfTheChart(values: readonly string[]): string[] {
  const deployment = objects(template(values)).find(({ kind }) => kind === "Deployment") as unknown as {
    readonly spec: { readonly template: { readonly spec: { readonly containers: [{ readonly args: string[] }] } } };
  };
  const [{ args }] = deployment.spec.template.spec.containers;
  if (!args.includes("--webhook-port=9443")) throw new Error("the chart starts no webhook");
  const here = args.map((arg) => arg.replace("$(POD_NAMESPACE)", HOME));
  return here.filter((arg) => !arg.startsWith("--webhook-port"));
}

import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { KubeConfig, type V1Pod, type V1Service } from "@kubernetes/client-node";
import { ApiError } from "../../operator/kube/api-error.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf, type Kind } from "../../operator/kube/kinds.ts";
import { systemClock } from "../../runtime/clock.ts";
import { aborted } from "./aborted.ts";
import { command } from "./command.ts";
import type { BuiltImage } from "./image.ts";
import { Ledger } from "./ledger.ts";
import { isPassing } from "./passing.ts";
import { AdminPorts } from "./port-forward.ts";
import type { Provider } from "./provider.ts";
import { ROOT, toolPath } from "./tools.ts";

const CHART = join(ROOT, "charts/wsproxy");
/** Where the operator is installed. */
export const SYSTEM = "wsproxy-system";
/** How long a state of the cluster may take to come, where nothing else is said: machines are busy. In ms. */
const PATIENCE = 120_000;
/** For one thing to be cleared away, in ms. */
const CLEARING = 180_000;
const NAMESPACE: Kind = { apiVersion: "v1", kind: "Namespace", plural: "namespaces" };

interface ProxyStatus {
  readonly metadata: { readonly generation: number };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly observedGeneration: number;
    }[];
  };
}

/** What clients need of a cluster. */
export type Stage = Pick<Cluster, "ledger" | "signal">;

/** A cluster as one scenario sees it: what is made through it is gone after the scenario. */
export class Cluster {
  readonly provider: Provider;
  readonly image: BuiltImage;
  readonly ledger = new Ledger();
  /** Aborted when the scenario is over, or its time. */
  readonly signal: AbortSignal;
  readonly api: KubeClient;
  readonly adminPorts = new AdminPorts(this);
  /** When waiting ends: with the scenario, or with the time for one thing to be cleared away. */
  #limit: AbortSignal;
  readonly #clean: (() => Promise<unknown>)[] = [];

  constructor(provider: Provider, image: BuiltImage, signal: AbortSignal) {
    this.provider = provider;
    this.image = image;
    this.signal = signal;
    this.#limit = signal;
    const config = new KubeConfig();
    config.loadFromFile(provider.kubeconfig);
    this.api = new KubeClient(config, systemClock);
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#tool("kubectl", args);
  }

  helm(...args: readonly string[]): Promise<string> {
    return this.#tool("helm", args);
  }

  /** What `kubectl apply` makes of these manifests, or of this text. */
  apply(namespace: string, ...manifests: readonly (object | string)[]): Promise<string> {
    const input = manifests.map((one) => (typeof one === "string" ? one : JSON.stringify(one))).join("\n---\n");
    return this.#tool("kubectl", ["--namespace", namespace, "apply", "--server-side", "-f", "-"], input);
  }

  /** Does this when the scenario is over, whatever came of it. The last one first. */
  onEnd(work: () => Promise<unknown>): void {
    this.#clean.push(work);
  }

  /** An empty namespace that is gone after the scenario. Pods in it have to be as restricted as Kubernetes knows. */
  async namespace(name: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
    await this.#gone(name, true);
    const metadata = { name, labels: { "pod-security.kubernetes.io/enforce": "restricted", ...labels } };
    await this.apply("default", { apiVersion: "v1", kind: "Namespace", metadata });
    this.onEnd(() => this.kubectl("delete", "namespace", name, "--ignore-not-found", "--wait=false"));
    // Pods are refused until their account is there.
    const account = { ...KINDS.ServiceAccount };
    await this.until(
      "the default ServiceAccount",
      async () => (await this.get(account, name, "default")) !== undefined,
    );
    return name;
  }

  /** Installs the operator from this chart, with its default values and these. */
  async install(...values: readonly string[]): Promise<void> {
    await this.#gone(SYSTEM, false);
    // Helm refuses to go on after a run that was cut off in the middle of an installation.
    const halfDone = "owner=helm,name=wsproxy,status in (pending-install,pending-upgrade,pending-rollback)";
    await this.kubectl("delete", "secrets", "--namespace", SYSTEM, "--selector", halfDone);
    await this.helm(
      "upgrade",
      "--install",
      "wsproxy",
      CHART,
      "--namespace",
      SYSTEM,
      "--create-namespace",
      "--wait",
      "--reset-values", // those of an earlier scenario would stay
      ...values,
    );
  }

  /** Waits until each of these Deployments has all of its pods, ready and as it says now. */
  async rolledOut(namespace: string, ...deployments: readonly string[]): Promise<void> {
    for (const name of deployments)
      await this.kubectl("-n", namespace, "rollout", "status", `deployment/${name}`, "--timeout=120s");
  }

  /** Applies a proxy, whole, and waits until it is served as it is; the URL of its Service. */
  async proxy(namespace: string, name: string, spec: object): Promise<string> {
    await this.apply(namespace, {
      apiVersion: "wsproxy.dev/v1alpha1",
      kind: "WebSocketProxy",
      metadata: { name },
      spec,
    });
    await this.condition(namespace, name, "Programmed");
    await this.condition(namespace, name, "Ready");
    return `ws://${await this.address(namespace, `wsproxy-${name}`)}`;
  }

  /** Waits until a condition of a proxy is true, for what its spec says now. */
  async condition(namespace: string, name: string, type: string): Promise<void> {
    let last = "";
    const holds = async (): Promise<boolean> => {
      const proxy = await this.get<ProxyStatus>(KINDS.WebSocketProxy, namespace, name);
      const found = proxy?.status?.conditions?.find((condition) => condition.type === type);
      last = JSON.stringify(proxy?.status?.conditions);
      return found?.status === "True" && found.observedGeneration === proxy?.metadata.generation;
    };
    await this.until(`${namespace}/${name} is ${type}`, holds).catch((error: unknown) => {
      throw new Error(`${String(error)}; conditions ${last}`, { cause: error });
    });
  }

  /** No operator, no CRD, none of its proxies: as a cluster was before. */
  async uninstall(): Promise<void> {
    await this.kubectl("delete", "crd", "websocketproxies.wsproxy.dev", "--ignore-not-found", "--timeout=120s");
    await this.helm("uninstall", "wsproxy", "--namespace", SYSTEM, "--ignore-not-found", "--wait");
    await this.kubectl("delete", "namespace", SYSTEM, "--ignore-not-found", "--timeout=120s");
  }

  /** An object; undefined where there is none. */
  async get<T>(kind: Kind, namespace: string | undefined, name: string): Promise<T | undefined> {
    try {
      return await this.api.request<T>({ path: pathOf(kind, namespace, name), timeout: 10_000 });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return undefined;
      throw error;
    }
  }

  /** Pods of a namespace by their labels. */
  async pods(namespace: string, labelSelector: string): Promise<V1Pod[]> {
    const path = pathOf(KINDS.Pod, namespace);
    return (await this.api.request<{ items: V1Pod[] }>({ path, query: { labelSelector } })).items;
  }

  /** `host:port` of a Service, once it takes connections: its rules follow a moment after its pods are ready. */
  async address(namespace: string, name: string): Promise<string> {
    const service = await this.get<V1Service>(KINDS.Service, namespace, name);
    if (service === undefined) throw new Error(`there is no Service ${namespace}/${name}`);
    const [host, port] = [service.spec?.clusterIP ?? "", service.spec?.ports?.[0]?.port ?? 0];
    await this.until(`${namespace}/${name} takes connections`, () => takesConnections(host, port));
    return `${host}:${port}`;
  }

  /** Waits for a state of the cluster. */
  async until(what: string, holds: () => Promise<boolean>, ms = PATIENCE): Promise<void> {
    const end = Date.now() + ms;
    let cause: unknown;
    const look = (): Promise<boolean> =>
      holds().catch((error: unknown) => {
        if (!isPassing(error)) throw error;
        cause = error;
        return false;
      });
    for (;;) {
      this.#limit.throwIfAborted();
      if (await look()) return;
      if (Date.now() > end) throw new Error(`never, in ${ms / 1000} s: ${what}`, { cause });
      await sleep(50, undefined, { signal: this.#limit });
    }
  }

  /** Ends every session and takes everything away that was made. */
  async end(): Promise<void> {
    const failed: unknown[] = [];
    for (const work of [() => this.ledger.end(), ...this.#clean.splice(0).reverse()]) {
      this.#limit = AbortSignal.timeout(CLEARING);
      await Promise.race([work(), aborted(this.#limit)]).catch((error: unknown) => failed.push(error));
    }
    this.api.close();
    if (failed.length > 0) throw new AggregateError(failed, "the scenario could not be cleared away");
  }

  /** Waits for a namespace that is on its way out; with `whole`, for any. */
  #gone(name: string, whole: boolean): Promise<void> {
    return this.until(`${name} of an earlier scenario is gone`, async () => {
      const found = await this.get<{ metadata: { deletionTimestamp?: string } }>(NAMESPACE, undefined, name);
      return found === undefined || (!whole && found.metadata.deletionTimestamp === undefined);
    });
  }

  #tool(name: string, args: readonly string[], input?: string): Promise<string> {
    const env = { KUBECONFIG: this.provider.kubeconfig };
    const rest = input === undefined ? {} : { input };
    return command(toolPath(name), args, { env, signal: this.#limit, ...rest });
  }
}

function takesConnections(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1000 });
    const answer = (taken: boolean): void => {
      socket.destroy();
      resolve(taken);
    };
    socket.on("connect", () => answer(true));
    socket.on("error", () => answer(false));
    socket.on("timeout", () => answer(false));
  });
}

import type { Duplex } from "node:stream";
import { ADMIN_TOKEN_KEY } from "../../../api/meta.ts";
import { ApiError, isStatus } from "../../../operator/kube/api-error.ts";
import { KubeClient } from "../../../operator/kube/client.ts";
import { KINDS, pathOf, type KubeObject } from "../../../operator/kube/kinds.ts";
import { NoKubeConfig } from "../../../operator/kube/kube-config.ts";
import { openPort, type PodPort } from "../../../operator/kube/port-forward.ts";
import { contextNamespace, userKubeConfig } from "../../../operator/kube/user-kube-config.ts";
import { namesOf, type Names } from "../../../operator/render/names.ts";
import { systemClock } from "../../../runtime/clock.ts";
import { hashOf } from "../../../runtime/packed-text.ts";
import { LiveFailure } from "../live-failure.ts";
import { MOST_PLACES, type Place, type Target } from "../target.ts";
import { isToken, type TypedTarget } from "../target-options.ts";
import { clusterFailure } from "./cluster-failures.ts";
import { proxyPods, type ProxyPod } from "./proxy-pods.ts";

/** How the API server's audit names the program. */
const USER_AGENT = "wsproxy-cli";
/** A token that was refused is read anew at most this often, in ms. */
const RENEWAL = 2000;

/** A cluster as a person's kubeconfig reaches it. */
export interface Cluster {
  readonly client: KubeClient;
  /** Opens a connection to a port of a pod. Rejects with ApiError. */
  readonly connect: (port: PodPort, signal: AbortSignal) => Promise<Duplex>;
}

/** A proxy of a cluster: all its pods, through the API server. */
export interface ClusterTarget extends Target {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly proxy: string;
  /** Value of the label of all its objects. */
  readonly base: string;
  /** Reads the admin token, without which no process answers. Rejects with LiveFailure. */
  readToken(signal: AbortSignal): Promise<void>;
}

/** Finds the cluster and the proxy of a person's kubeconfig, and reads the token. Rejects with LiveFailure. */
export async function clusterTarget(
  typed: TypedTarget & { in: "cluster" },
  signal: AbortSignal,
): Promise<ClusterTarget> {
  const proxy = await clusterTargetWithoutToken(typed);
  try {
    await proxy.readToken(signal);
    return proxy;
  } catch (error) {
    proxy.close();
    throw error;
  }
}

/** Finds the cluster; asks nothing yet. Rejects with LiveFailure. */
export async function clusterTargetWithoutToken(typed: TypedTarget & { in: "cluster" }): Promise<ClusterTarget> {
  const config = await userKubeConfig(typed).catch((error: unknown) => {
    throw error instanceof NoKubeConfig ? new LiveFailure("NoTarget", error.message) : error;
  });
  const client = new KubeClient(config, systemClock, USER_AGENT);
  const cluster: Cluster = { client, connect: (port, abort) => openPort(config, port, abort) };
  return new ProxyInCluster(cluster, typed.namespace ?? contextNamespace(config), typed.proxy);
}

class ProxyInCluster implements ClusterTarget {
  readonly title: string;
  readonly single = false;
  readonly client: KubeClient;
  readonly namespace: string;
  readonly proxy: string;
  readonly names: Names;
  readonly #cluster: Cluster;
  #token = "";
  #read = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster, namespace: string, proxy: string) {
    this.client = cluster.client;
    this.namespace = namespace;
    this.proxy = proxy;
    this.title = `${namespace}/${proxy}`;
    this.names = namesOf(proxy, hashOf);
    this.#cluster = cluster;
  }

  get token(): string {
    return this.#token;
  }

  get base(): string {
    return this.names.base;
  }

  async places(signal: AbortSignal): Promise<readonly Place[]> {
    const { client, namespace, names, title } = this;
    const pods = await proxyPods(client, namespace, names.base, signal).catch((error: unknown) => {
      throw clusterFailure(error, { verbs: ["list"], resource: "pods", namespace });
    });
    if (pods.length === 0) {
      throw new LiveFailure(
        "NoPods",
        `${title} has no pods; "kubectl -n ${namespace} describe wsp ${this.proxy}" says why`,
      );
    }
    const running = pods.filter(({ runs }) => runs);
    if (running.length === 0)
      throw new LiveFailure("NoPods", `no pod of ${title} is ready to be asked: ${states(pods)}`);
    return running.slice(0, MOST_PLACES).map((pod) => new PodPlace(this, pod));
  }

  /** Opens the admin port of a pod. Rejects with LiveFailure. */
  async connect({ name, adminPort }: ProxyPod, signal: AbortSignal): Promise<Duplex> {
    const { namespace } = this;
    try {
      return await this.#cluster.connect({ namespace, pod: name, port: adminPort }, signal);
    } catch (error) {
      if (isStatus(error, 404)) throw new LiveFailure("Unreachable", `the pod ${name} is gone`, { cause: error });
      if (error instanceof ApiError && error.status >= 500) {
        const words = `the API server does not reach the pod ${name} (${error.status}); is it ready?`;
        throw new LiveFailure("Unreachable", words, { cause: error });
      }
      throw clusterFailure(error, { verbs: ["get", "create"], resource: "pods/portforward", namespace });
    }
  }

  /** Rejects with LiveFailure. */
  async readToken(signal: AbortSignal): Promise<void> {
    const { client, namespace, names, title } = this;
    this.#read = systemClock.now();
    const path = pathOf(KINDS.Secret, namespace, names.admin);
    const secret = await client.request<SecretObject>({ path, signal }).catch(async (error: unknown) => {
      if (isStatus(error, 404)) throw await this.#noSecret(signal);
      throw clusterFailure(error, { verbs: ["get"], resource: "secrets", name: names.admin, namespace });
    });
    const token = Buffer.from(secret.data?.[ADMIN_TOKEN_KEY] ?? "", "base64").toString("utf8");
    if (!isToken(token)) throw new LiveFailure("NoTarget", `the Secret ${names.admin} of ${title} holds no token`);
    this.#token = token;
  }

  /** True: the token is another one now. */
  async renewToken(signal: AbortSignal): Promise<boolean> {
    if (systemClock.now() - this.#read < RENEWAL) return false;
    const before = this.#token;
    await this.readToken(signal);
    return this.#token !== before;
  }

  close(): void {
    this.client.close();
  }

  /** A right on WebSocketProxies is not needed, so it is only asked to say more. */
  async #noSecret(signal: AbortSignal): Promise<LiveFailure> {
    const { client, namespace, proxy, names } = this;
    const call = { path: pathOf(KINDS.WebSocketProxy, namespace, proxy), signal };
    const found = await client.request(call).then(
      () => true,
      (error: unknown) => (isStatus(error, 404) ? false : undefined),
    );
    if (found === true) {
      const words = `the operator has not made the Secret ${names.admin} of ${namespace}/${proxy} yet; does it run?`;
      return new LiveFailure("NoPods", words);
    }
    const where = `there is no WebSocketProxy ${proxy} in namespace ${namespace}`;
    const unsure = found === undefined ? `, for there is no Secret ${names.admin}` : "";
    return new LiveFailure("NoProxy", `${where}${unsure}; "kubectl get wsp -A" lists all`);
  }
}

type SecretObject = KubeObject & { readonly data?: Readonly<Record<string, string>> };

/** The admin port of one pod. */
class PodPlace implements Place {
  readonly id: string;
  readonly name: string;
  readonly leaving: boolean;
  readonly host: string;
  readonly wrongToken: string;
  readonly #proxy: ProxyInCluster;
  readonly #pod: ProxyPod;

  constructor(proxy: ProxyInCluster, pod: ProxyPod) {
    this.#proxy = proxy;
    this.#pod = pod;
    this.id = pod.uid;
    this.name = pod.name;
    this.leaving = pod.leaving;
    // The port is forwarded, so the process sees a connection from its own machine.
    this.host = `127.0.0.1:${pod.adminPort}`;
    this.wrongToken = `the pod ${pod.name} does not take the token of the Secret ${proxy.names.admin}; a new token reaches a pod within two minutes`;
  }

  get token(): string {
    return this.#proxy.token;
  }

  connect(signal: AbortSignal): Promise<Duplex> {
    return this.#proxy.connect(this.#pod, signal);
  }

  renewToken(signal: AbortSignal): Promise<boolean> {
    return this.#proxy.renewToken(signal);
  }
}

/** States of pods of which none runs: at most three, by name. */
function states(pods: readonly ProxyPod[]): string {
  const first = pods.slice(0, 3).map(({ name, phase }) => `${name} is ${phase}`);
  return pods.length > 3 ? `${first.join(", ")}, and ${pods.length - 3} more` : first.join(", ");
}

import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { V1Deployment, V1Pod } from "@kubernetes/client-node";
import { API_VERSION, KIND } from "../../api/meta.ts";
import { KINDS } from "../../operator/kube/kinds.ts";
import { keyOf } from "../fakes/api-keys.ts";
import type { Cluster } from "./cluster.ts";
import { dataplanePods, settled } from "./dataplane.ts";
import { proxyManifest, readProxy } from "./web-socket-proxy.ts";
import { apiKeys, byApiKey } from "./workloads.ts";

/** The controller of HPAs looks every 15 s; three looks, and some time for a busy machine. In ms. */
export const LOOKS = 60_000;
/** Two of its looks. In ms. */
const QUIET = 35_000;

interface Target {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
}

/** One proxy and whatever sets the number of its pods. */
export class ScaledProxy {
  readonly name: string;
  readonly deployment: string;
  readonly ofDeployment: Target;
  readonly ofProxy: Target;
  url = "";
  readonly #cluster: Cluster;
  readonly #namespace: string;

  constructor(cluster: Cluster, namespace: string, name: string) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.name = name;
    this.deployment = `deployment/wsproxy-${name}`;
    this.ofDeployment = { apiVersion: "apps/v1", kind: "Deployment", name: `wsproxy-${name}` };
    this.ofProxy = { apiVersion: API_VERSION, kind: KIND, name };
  }

  kubectl(...args: readonly string[]): Promise<string> {
    return this.#cluster.kubectl("-n", this.#namespace, ...args);
  }

  /** Applies it with so many pods asked for, which may be left out, and waits until it is Programmed. */
  async make(gateway: object): Promise<void> {
    this.url = await this.#cluster.proxy(this.#namespace, this.name, spec(gateway, "first"));
  }

  /** The same with another mark on its pods: once the operator has written their shape. */
  async remake(gateway: object, mark: string): Promise<void> {
    await this.#cluster.apply(this.#namespace, proxyManifest(this.name, spec(gateway, mark)));
    await this.#cluster.until(`the pods of ${this.name} are the ${mark} ones`, async () => {
      return (await this.found()).spec?.template.metadata?.annotations?.["example"] === mark;
    });
  }

  /** An HPA without metrics: of its own accord it only keeps the number within its bounds. */
  async autoscale(scaleTargetRef: Target, minReplicas: number, maxReplicas: number): Promise<void> {
    await this.#cluster.apply(this.#namespace, {
      apiVersion: "autoscaling/v2",
      kind: "HorizontalPodAutoscaler",
      metadata: { name: this.name },
      spec: { scaleTargetRef, minReplicas, maxReplicas },
    });
  }

  async found(): Promise<V1Deployment> {
    const found = await this.#cluster.get<V1Deployment>(KINDS.Deployment, this.#namespace, `wsproxy-${this.name}`);
    assert.ok(found, `there is no Deployment of ${this.name}`);
    return found;
  }

  pods(): Promise<V1Pod[]> {
    return dataplanePods(this.#cluster, this.#namespace, this.name);
  }

  /** The Deployment asks for so many pods, and they serve. */
  async has(count: number, ms?: number): Promise<void> {
    const asked = async (): Promise<boolean> => (await this.found()).spec?.replicas === count;
    await this.#cluster.until(`${this.name}: ${count} pods are asked for`, asked, ms);
    await settled(this.#cluster, this.#namespace, this.name, ({ length }) => length === count);
  }

  is(condition: string): Promise<void> {
    return this.#cluster.condition(this.#namespace, this.name, condition);
  }

  /** A key of this client is made, and it gets in by it: the operator has made a pass over the proxy. */
  async admits(client: string): Promise<void> {
    await this.#cluster.apply(this.#namespace, apiKeys(`more-${this.name}`, [client]));
    await this.lets(client);
  }

  async lets(client: string): Promise<void> {
    const dial = { as: client, headers: { "x-api-key": keyOf(client) } };
    const open = (): Promise<boolean> =>
      this.#cluster.ledger.open(this.url, dial).then(
        async (session) => (await session.close(), true),
        () => false,
      );
    await this.#cluster.until(`${this.name} lets ${client} in`, open);
  }

  /** The number in its spec. */
  async replicas(): Promise<number | undefined> {
    const { spec: wanted } = (await readProxy(this.#cluster, this.#namespace, this.name)) as unknown as {
      readonly spec: { readonly gateway?: { readonly replicas?: number } };
    };
    return wanted.gateway?.replicas;
  }

  /** Over some looks of the HPA, and a pass of the operator, no writer changes the Deployment or the spec. */
  async quiet(): Promise<void> {
    await this.is("Programmed");
    const before = await this.#generations();
    await this.#cluster.apply(this.#namespace, apiKeys(`more-${this.name}`, [`pass-${Date.now()}`]));
    await sleep(QUIET, undefined, { signal: this.#cluster.signal });
    const after = await this.#generations();
    assert.ok(isDeepStrictEqual(after, before), `generations were ${before.join(", ")}, and are ${after.join(", ")}`);
  }

  async #generations(): Promise<(number | undefined)[]> {
    const { metadata } = await readProxy(this.#cluster, this.#namespace, this.name);
    return [(await this.found()).metadata?.generation, metadata.generation];
  }
}

/** `gateway` has the number, or not. */
function spec(gateway: object, mark: string): object {
  return {
    gateway: { ...gateway, pod: { annotations: { example: mark } } },
    // Less than by default: two generations of all these pods have room on one small node.
    dataplane: { drain: { period: "2s" }, resources: { requests: { cpu: "5m", memory: "32Mi" } } },
    policies: byApiKey,
    routes: [{ name: "keyed", backends: [{ service: "sample-backend", port: "ws" }] }],
  };
}

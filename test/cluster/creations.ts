import { setTimeout as sleep } from "node:timers/promises";
import type { V1Pod, V1PodTemplateSpec } from "@kubernetes/client-node";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import type { Cluster } from "./cluster.ts";
import { barePod, hasGateway } from "./injected-pods.ts";

/** Between two pods, in ms. */
const EVERY = 50;

/** Pods with the label, made one after another and deleted: no node gets them, so they cost only what admission costs. */
export class Creations {
  readonly #cluster: Cluster;
  readonly #namespace: string;
  readonly #template: V1PodTemplateSpec;
  readonly #making: Promise<void>;
  #over = false;
  /** How long each took, in ms. */
  readonly times: number[] = [];
  /** What the API server said where it made none. */
  readonly failed: string[] = [];

  constructor(cluster: Cluster, namespace: string, template: V1PodTemplateSpec) {
    this.#cluster = cluster;
    this.#namespace = namespace;
    this.#template = template;
    this.#making = this.#make();
    this.#making.catch(() => {}); // it is said when they are stopped
  }

  /** Resolves when so many more were made. */
  async more(count: number): Promise<void> {
    const made = this.times.length;
    await this.#cluster.until(`${count} more pods are made`, async () => this.times.length >= made + count);
  }

  async stop(): Promise<void> {
    this.#over = true;
    await this.#making;
  }

  async #make(): Promise<void> {
    const { metadata, spec } = this.#template;
    const containers = spec?.containers ?? [];
    const gated = { ...spec, containers, schedulingGates: [{ name: "example.com/never" }] };
    for (let count = 1; !this.#over && !this.#cluster.signal.aborted; count += 1, await sleep(EVERY)) {
      await this.#create(barePod(`made-${count}`, { ...(metadata === undefined ? {} : { metadata }), spec: gated }));
    }
  }

  async #create(pod: V1Pod): Promise<void> {
    const started = Date.now();
    const collection = pathOf(KINDS.Pod, this.#namespace);
    try {
      const made = await this.#cluster.api.request<V1Pod>({ method: "POST", path: collection, body: pod });
      if (!hasGateway(made)) throw new Error("it has no gateway");
      this.times.push(Date.now() - started);
    } catch (error) {
      this.failed.push(String(error));
      return;
    }
    await this.#cluster.api.request({ method: "DELETE", path: `${collection}/${pod.metadata?.name}` });
  }
}

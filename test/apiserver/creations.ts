import { onTestFinished } from "vitest";
import { until } from "../fakes/sockets.ts";
import { podOf, type Pod } from "./webhook-pods.ts";

/** An API server on which pods are made. */
interface Pods {
  create(namespace: string, body: object): Promise<Pod>;
}

/** One creation of a labelled pod; times in ms of performance.now(). */
export interface Creation {
  readonly began: number;
  readonly took: number;
  /** What the API server said; undefined: the pod has its gateway. */
  readonly failure: string | undefined;
}

/** Clients that create labelled pods at the same time. */
const CLIENTS = 4;
/** Pause of each between two; ms. */
const PAUSE = 20;

/** Creates labelled pods in a namespace until `stop`, or the end of the test. */
export class Creations {
  readonly all: Creation[] = [];
  readonly #running: Promise<unknown>;
  #stopped = false;

  constructor(pods: Pods, namespace: string) {
    this.#running = Promise.all(Array.from({ length: CLIENTS }, () => this.#run(pods, namespace)));
    onTestFinished(() => this.stop());
  }

  get failed(): readonly Creation[] {
    return this.all.filter(({ failure }) => failure !== undefined);
  }

  /** Resolves when so many more have been made. */
  more(count: number): Promise<void> {
    const wanted = this.all.length + count;
    return until(`${count} more creations`, () => this.all.length >= wanted, 30_000);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  async #run(pods: Pods, namespace: string): Promise<void> {
    while (!this.#stopped) {
      this.all.push(await creation(() => pods.create(namespace, podOf({ generateName: "load-" }))));
      await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }
}

/** Makes a pod, and says how it went. */
export async function creation(make: () => Promise<Pod>): Promise<Creation> {
  const began = performance.now();
  const failure = await make().then(
    (pod) => (pod.spec.initContainers?.length === 1 ? undefined : "it has no gateway"),
    (error: Error) => error.message,
  );
  return { began, took: performance.now() - began, failure };
}

/** Makes as many labelled pods at once; resolves with the longest time that one took, in ms. */
export async function slowestOf(pods: Pods, namespace: string, count: number): Promise<number> {
  const make = (): Promise<Pod> => pods.create(namespace, podOf({ generateName: "crowd-" }));
  const all = await Promise.all(Array.from({ length: count }, () => creation(make)));
  const failure = all.find((one) => one.failure !== undefined)?.failure;
  if (failure !== undefined) throw new Error(failure);
  return Math.max(...all.map(({ took }) => took));
}

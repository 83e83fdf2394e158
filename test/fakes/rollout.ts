import type { PodState } from "../../operator/pods/dataplane-pods.ts";
import type { Deployment } from "../../operator/rollout/deployment.ts";
import { rolloutOf, type Facts, type Look, type Memory, type Rollout } from "../../operator/rollout/rollout.ts";
import type { Container, Pod } from "../../operator/watch/pod.ts";

/** What a test says of a pod; the rest is as of a pod that is ready. */
export interface PodWords {
  readonly ready?: boolean;
  /** Of an older shape. */
  readonly old?: boolean;
  readonly deleted?: boolean;
  readonly unscheduled?: string;
  readonly phase?: string;
  readonly reason?: string;
  readonly init?: Container;
  readonly container?: Container;
}

/** A pod `name` of the Deployment `wsproxy-chat`. */
export function pod(name: string, words: PodWords = {}): Pod {
  const {
    ready = false,
    old = false,
    deleted = false,
    unscheduled,
    phase = "Running",
    reason,
    init,
    container,
  } = words;
  return {
    metadata: {
      name,
      uid: name,
      ownerReferences: [{ kind: "ReplicaSet", name: "set", uid: old ? "old" : "new", controller: true }],
      ...(deleted ? { deletionTimestamp: "now" } : {}),
    },
    status: {
      phase,
      ...(reason === undefined ? {} : { reason, message: "low on memory" }),
      conditions: [
        ...(ready
          ? [{ type: "Ready", status: "True" }]
          : [{ type: "Ready", status: "False", reason: "ContainersNotReady", message: "unready: [dataplane]" }]),
        ...(unscheduled === undefined
          ? []
          : [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message: unscheduled }]),
      ],
      ...(init === undefined ? {} : { initContainerStatuses: [init] }),
      containerStatuses: container === undefined ? [] : [container],
    },
  };
}

/** A container that waits. */
export const waiting = (reason: string, message?: string): Container => ({
  name: "dataplane",
  state: { waiting: { reason, ...(message === undefined ? {} : { message }) } },
});

const REVISION = { "deployment.kubernetes.io/revision": "2" };

/** What a test says of the Deployment; the rest is as of one that wants two pods and was taken by its controller. */
export function deployment(
  spec: Deployment["spec"] = {},
  status: Deployment["status"] = {},
  annotations: Readonly<Record<string, string>> = REVISION,
): Deployment {
  const { replicas = 2 } = spec;
  return {
    metadata: { name: "wsproxy-chat", generation: 4, annotations },
    spec: { replicas, ...spec },
    status: { observedGeneration: 4, updatedReplicas: replicas, ...status },
  };
}

/** One moment: pods, the Deployment, and what pods say they serve. */
export interface Scene {
  readonly pods: readonly Pod[];
  readonly deployment?: Deployment | undefined;
  readonly late?: readonly string[];
  readonly outdated?: readonly string[];
  readonly unproven?: readonly string[];
  readonly programmed?: Facts["programmed"];
  readonly generation?: number;
}

/** Looks at scenes one after the other, with a memory. */
export class Watched {
  now = 1_000_000;
  last: Look | undefined;
  #memory: Memory | undefined;

  /** Looks after so many seconds. */
  after(seconds: number, scene: Scene): Rollout {
    this.now += seconds * 1000;
    const own = scene.pods;
    const isReady = ({ metadata, status }: Pod): boolean =>
      metadata.deletionTimestamp === undefined && status?.conditions?.some((it) => it.status === "True") === true;
    const { late = [], outdated = [], unproven = [] } = scene;
    const state: PodState = {
      pods: own.length,
      ready: own.filter(isReady).map(({ metadata: { name } }) => name),
      behind: [...new Set([...late, ...outdated, ...unproven])],
      late,
      silent: [],
      outdated,
      unproven,
      refusing: [],
      unusable: [],
      strangers: [],
    };
    const facts: Facts = {
      generation: scene.generation ?? 3,
      deployment: "deployment" in scene ? scene.deployment : deployment(),
      pods: { own, strangers: [], newest: { uid: "new", revision: 2 } },
      state,
      programmed: scene.programmed,
      now: this.now,
      wall: WALL + this.now,
    };
    this.last = rolloutOf(facts, this.#memory);
    this.#memory = this.last.memory;
    return this.last.rollout;
  }

  /** Another process goes on. */
  restart(): void {
    this.#memory = undefined;
  }

  /** Seconds until the next look. */
  get again(): number | undefined {
    return this.last?.again === undefined ? undefined : this.last.again / 1000;
  }
}

const WALL = Date.parse("2026-01-01T00:00:00Z");
/** The time of a moment of `Watched`, in Kubernetes' form. */
export const timeOf = (now: number): string => new Date(WALL + now).toISOString();

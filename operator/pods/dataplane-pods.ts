import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { NUDGE } from "../watch/brief-object.ts";
import { ApiError } from "../kube/api-error.ts";
import type { Caller } from "../kube/call.ts";
import { FIELD_MANAGER } from "../kube/field-manager.ts";
import { KINDS, keyOf, pathOf, type KubeObject } from "../kube/kinds.ts";
import { controllerOf, type PodsOfProxy } from "../watch/own-pods.ts";
import { textOf, type Target, type Wanted } from "./wanted.ts";
import { PodInquiry, uidOf } from "./pod-inquiry.ts";
import type { AskPod } from "./pod-report.ts";
import { isAlive, type Pod } from "../watch/pod.ts";

/** The state of the pods of one proxy, as far as the status tells it. Names are sorted: equal states are equal values. */
export interface PodState {
  readonly pods: number;
  readonly ready: readonly string[];
  /** Ready pods that do not serve what they are to serve. */
  readonly behind: readonly string[];
  /** Those of `behind` that serve an earlier generation. */
  readonly outdated: readonly string[];
  /** Those of `behind` that are so for more than a moment. */
  readonly late: readonly string[];
  /** Those of `late` whose answer does not reach the operator: they may serve what they are to, and it cannot know. */
  readonly silent: readonly string[];
  /** Those of `behind` that this process has never seen serve anything that they were to serve. */
  readonly unproven: readonly string[];
  /** Pods that have what they are to serve, and refuse it. */
  readonly refusing: readonly RefusingPod[];
  /** Pods that gave no usable report. */
  readonly unusable: readonly { readonly pod: string; readonly words: string }[];
  /** Running pods that have the proxy's labels and are not its own. */
  readonly strangers: readonly string[];
}

export interface RefusingPod {
  readonly pod: string;
  readonly stage: "config" | "listener";
  readonly problems: readonly string[];
}

export interface DataplanePodsOptions {
  readonly client: Caller;
  readonly clock: Clock;
  readonly log: Log;
  readonly ask: AskPod;
  /** The API server's answer to a patch of ours. */
  readonly wrote: (pod: KubeObject) => void;
}

/** The operator nudges a pod again that did not report in this time, and then less and less often; ms. */
const NUDGE_AGAIN = 2000;
/** Its kubelet looks by itself as often as that. */
const NUDGE_AGAIN_AT_MOST = 60_000;
/** Pods that are nudged at the same time; the next ones after a moment, in ms. */
const AT_A_TIME = 20;
const MOMENT = 100;

interface Nudge {
  readonly wanted: string;
  readonly at: number;
  readonly count: number;
}

/** Nudges pods when their config has changed, and finds out which of them serve it. */
export class DataplanePods {
  readonly #options: DataplanePodsOptions;
  /** By the pod's uid. */
  readonly #nudges = new Map<string, Nudge>();
  #inquiry: PodInquiry;
  /** Proxy → uids of the pods that are remembered for it. */
  readonly #remembered = new Map<string, readonly string[]>();

  constructor(options: DataplanePodsOptions) {
    this.#options = options;
    this.#inquiry = new PodInquiry(options.ask, options.clock);
  }

  /** This process begins to lead: another one led meanwhile, and what is remembered of pods is old. */
  begin(): void {
    this.#inquiry = new PodInquiry(this.#options.ask, this.#options.clock);
  }

  /** Makes the kubelet of every running pod bring the new config now. */
  async nudge(pods: readonly Pod[], wanted: Wanted, signal: AbortSignal): Promise<void> {
    await this.#inTurn(pods.filter(isRunning), signal, (pod) => this.#nudge(pod, wanted, signal));
  }

  /** Asks the pods of a proxy, and nudges those again that are behind for too long. Without a target it asks none. */
  async look(
    proxy: string,
    { own: pods, strangers, newest }: PodsOfProxy,
    target: Target | undefined,
    signal: AbortSignal,
  ): Promise<PodState> {
    this.#remember(proxy, pods);
    const ready = pods.filter(isReady);
    // Pods that run and are not ready say why: all of them if no pod is ready, else those that a rollout waits for.
    const isAsked = (pod: Pod): boolean =>
      isReady(pod) || ready.length === 0 || (newest !== undefined && controllerOf(pod, "ReplicaSet") === newest.uid);
    const asked = target === undefined ? [] : pods.filter((pod) => isRunning(pod) && isAsked(pod));
    const found = target === undefined ? [] : await this.#inquiry.look(asked, target, signal);
    const behind = found.filter(({ pod, serves }) => isReady(pod) && !serves);
    if (target !== undefined) {
      // A pod that refuses the config has it already.
      const due = behind.filter(({ pod, rejected }) => rejected === undefined && this.#isDue(pod, target.wanted));
      const overdue = due.map(({ pod }) => pod);
      await this.nudge(overdue, target.wanted, signal);
    }
    const named = (which: "outdated" | "late" | "silent" | "unproven"): string[] =>
      behind.flatMap((one) => (one[which] ? [nameOf(one.pod)] : [])).sort();
    return {
      pods: pods.filter(isAlive).length,
      ready: ready.map(nameOf).sort(),
      behind: behind.map(({ pod }) => nameOf(pod)).sort(),
      outdated: named("outdated"),
      late: named("late"),
      silent: named("silent"),
      unproven: named("unproven"),
      refusing: byPod(
        found.flatMap(({ pod, rejected }) => (rejected === undefined ? [] : [{ ...rejected, pod: nameOf(pod) }])),
      ),
      unusable: byPod(
        found.flatMap(({ pod, unusable }) => {
          // A pod that starts, beside others that serve, has time.
          if (unusable === undefined || (ready.length > 0 && !isReady(pod))) return [];
          return [{ pod: nameOf(pod), words: unusable }];
        }),
      ),
      // The watch may tell of a new pod before it tells of its ReplicaSet: such a pod does not run yet.
      strangers: strangers.filter(isRunning).map(nameOf).sort(),
    };
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#remember(proxy, []);
    this.#remembered.delete(proxy);
    this.#inquiry.forgetProxy(proxy);
  }

  #isDue(pod: Pod, wanted: Wanted): boolean {
    const last = this.#nudges.get(uidOf(pod));
    if (last?.wanted !== textOf(wanted)) return true;
    return this.#options.clock.now() - last.at >= Math.min(NUDGE_AGAIN * 2 ** last.count, NUDGE_AGAIN_AT_MOST);
  }

  async #nudge(pod: Pod, wanted: Wanted, signal: AbortSignal): Promise<void> {
    const { client, clock, log, wrote } = this.#options;
    const { name, namespace, uid } = pod.metadata;
    const text = textOf(wanted);
    const last = this.#nudges.get(uidOf(pod));
    const count = last?.wanted === text ? last.count + 1 : 0;
    const nudge = { wanted: text, at: clock.now(), count };
    this.#nudges.set(uidOf(pod), nudge);
    const value = `${short(wanted.hash)}-${short(wanted.endpointsHash)}`;
    // Only another value than the pod has is a change, whichever writer put it there.
    const again = count > 0 || pod.metadata.annotations?.[NUDGE] === value;
    const annotations = { [NUDGE]: again ? `${value}-${clock.wall()}` : value };
    try {
      wrote(
        await client.request<KubeObject>({
          method: "PATCH",
          path: pathOf(KINDS.Pod, namespace, name),
          query: { fieldManager: FIELD_MANAGER },
          contentType: "application/merge-patch+json",
          body: { metadata: { uid, annotations } },
          signal,
        }),
      );
    } catch (error) {
      if (signal.aborted) return this.#takeBack(pod, nudge, last);
      // The kubelet looks by itself once a minute, and a pod that does not report is nudged again.
      if (!(error instanceof ApiError)) throw error;
      if (error.status !== 404 && error.status !== 409) log.warn({ err: error, pod: keyOf(pod) }, "pod not nudged");
    }
  }

  /** A nudge that was given up may not have come through: the pod stays as due as it was, unless it was nudged since. */
  #takeBack(pod: Pod, nudge: Nudge, last: Nudge | undefined): void {
    if (this.#nudges.get(uidOf(pod)) !== nudge) return;
    if (last === undefined) this.#nudges.delete(uidOf(pod));
    else this.#nudges.set(uidOf(pod), last);
  }

  /** Hundreds of nudges are spread over time. */
  async #inTurn(pods: readonly Pod[], signal: AbortSignal, act: (pod: Pod) => Promise<void>): Promise<void> {
    for (let first = 0; first < pods.length && !signal.aborted; first += AT_A_TIME) {
      if (first > 0) await pause(MOMENT, this.#options.clock, signal);
      await Promise.all(pods.slice(first, first + AT_A_TIME).map(act));
    }
  }

  #remember(proxy: string, pods: readonly Pod[]): void {
    const now = pods.map(uidOf);
    const left = new Set(now);
    for (const uid of this.#remembered.get(proxy) ?? []) {
      if (left.has(uid)) continue;
      this.#nudges.delete(uid);
      this.#inquiry.forget(uid);
    }
    this.#remembered.set(proxy, now);
  }
}

function isRunning(pod: Pod): boolean {
  return isAlive(pod) && pod.status?.phase === "Running";
}

function isReady(pod: Pod): boolean {
  return isRunning(pod) && (pod.status?.conditions ?? []).some((it) => it.type === "Ready" && it.status === "True");
}

const nameOf = ({ metadata }: Pod): string => metadata.name;
const short = (hash: string): string => hash.slice(0, 12);

function byPod<T extends { readonly pod: string }>(list: T[]): T[] {
  return list.sort((one, other) => (one.pod < other.pod ? -1 : 1));
}

import { isToServe, takesConfig } from "../watch/injected-pod.ts";
import { controllerOf, type PodsOfProxy } from "../watch/own-pods.ts";
import { isAlive, isReady, isRunning, type Pod } from "../watch/pod.ts";
import { Nudger, type NudgerOptions } from "./nudger.ts";
import { PodInquiry, uidOf } from "./pod-inquiry.ts";
import type { AskPod } from "./pod-report.ts";
import type { Target, Wanted } from "./wanted.ts";

/** The state of the pods of one proxy, as far as the status tells it. Names are sorted: equal states are equal values. */
export interface PodState {
  readonly pods: number;
  readonly ready: readonly string[];
  /** Ready pods, and injected pods that have started, that do not serve what they are to serve. */
  readonly behind: readonly string[];
  /** Those of `behind` that serve an earlier generation. */
  readonly outdated: readonly string[];
  /** Those of `behind` that are so for more than a moment. */
  readonly late: readonly string[];
  /** Those of `late` whose answer does not reach the operator: they may serve what they are to, and it cannot know. */
  readonly silent: readonly string[];
  /** Those of `behind` that this process has never seen serve anything that they were to serve. */
  readonly unproven: readonly string[];
  /** Those of `behind` whose listener may be an earlier one: they refuse what came, or have not had time for a new generation. */
  readonly earlier: readonly string[];
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

export interface DataplanePodsOptions extends NudgerOptions {
  readonly ask: AskPod;
}

/** What pods are to serve whose proxy is gone. */
const GONE: Wanted = { hash: "gone", endpointsHash: "gone" };

/** Nudges pods when their config has changed, and finds out which of them serve it. */
export class DataplanePods {
  readonly #options: DataplanePodsOptions;
  readonly #nudger: Nudger;
  #inquiry: PodInquiry;
  /** Proxy → uids of the pods that are remembered for it. */
  readonly #remembered = new Map<string, readonly string[]>();

  constructor(options: DataplanePodsOptions) {
    this.#options = options;
    this.#nudger = new Nudger(options);
    this.#inquiry = new PodInquiry(options.ask, options.clock);
  }

  /** This process begins to lead: another one led meanwhile, and what is remembered of pods is old. */
  begin(): void {
    this.#inquiry = new PodInquiry(this.#options.ask, this.#options.clock);
  }

  /**
   * Makes the kubelets of the pods that have a config volume bring the new config now. Those that one turn does not reach are
   * nudged by the next looks.
   */
  async nudge(pods: readonly Pod[], wanted: Wanted, signal: AbortSignal): Promise<readonly Pod[]> {
    return this.#nudger.nudge(
      pods.filter((pod) => isRunning(pod) || takesConfig(pod)),
      wanted,
      signal,
    );
  }

  /** Makes the kubelet of a pod take the files of a proxy that is gone away now; see OrphanedPods. Nothing is remembered. */
  async nudgeOrphans(pods: readonly Pod[], signal: AbortSignal): Promise<readonly Pod[]> {
    const left = await this.#nudger.nudge(pods, GONE, signal);
    for (const pod of pods) this.#nudger.forget(uidOf(pod));
    return left;
  }

  /** Asks the pods of a proxy, and nudges those again that are behind for too long. Without a target it asks none. */
  async look(proxy: string, of: PodsOfProxy, target: Target | undefined, signal: AbortSignal): Promise<PodState> {
    const { own: pods, strangers, injected = false } = of;
    this.#remember(proxy, pods);
    const ready = pods.filter(isReady);
    const asked = target === undefined ? [] : askedOf(of, ready.length);
    const found = target === undefined ? [] : await this.#inquiry.look(asked, target, signal);
    // An injected pod may be unready for reasons of its own process, and its data plane is to serve the config all the same.
    const behind = found.filter(({ pod, serves }) => (injected || isReady(pod)) && !serves);
    if (target !== undefined) {
      // A pod that refuses the config has it already, and the volume of one that starts is new.
      const nudged = behind.filter((it) => it.rejected === undefined && (isReady(it.pod) || !it.quiet || it.late));
      await this.nudge(this.#nudger.due(nudged, target.wanted), target.wanted, signal);
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
      earlier: behind.flatMap((it) => (it.refuses || (it.outdated && !it.late) ? [nameOf(it.pod)] : [])).sort(),
      refusing: byPod(
        found.flatMap(({ pod, rejected }) => (rejected === undefined ? [] : [{ ...rejected, pod: nameOf(pod) }])),
      ),
      unusable: byPod(
        found.flatMap(({ pod, unusable, late }) => {
          // A pod that starts, beside others that serve, has time.
          const hasTime = injected ? !late : ready.length > 0 && !isReady(pod);
          if (unusable === undefined || hasTime) return [];
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

  #remember(proxy: string, pods: readonly Pod[]): void {
    const now = pods.map(uidOf);
    const left = new Set(now);
    for (const uid of this.#remembered.get(proxy) ?? []) {
      if (left.has(uid)) continue;
      this.#nudger.forget(uid);
      this.#inquiry.forget(uid);
    }
    this.#remembered.set(proxy, now);
  }
}

/** The pods of a proxy that are asked; `ready`: how many are ready. */
function askedOf({ own, newest, injected }: PodsOfProxy, ready: number): readonly Pod[] {
  if (injected === true) return own.filter(isToServe);
  // Pods that run and are not ready say why: all of them if no pod is ready, else those that a rollout waits for.
  const isAsked = (pod: Pod): boolean =>
    isReady(pod) || ready === 0 || (newest !== undefined && controllerOf(pod, "ReplicaSet") === newest.uid);
  return own.filter((pod) => isRunning(pod) && isAsked(pod));
}

const nameOf = ({ metadata }: Pod): string => metadata.name;

function byPod<T extends { readonly pod: string }>(list: T[]): T[] {
  return list.sort((one, other) => (one.pod < other.pod ? -1 : 1));
}

import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { ApiError } from "../kube/api-error.ts";
import type { Caller } from "../kube/call.ts";
import { FIELD_MANAGER } from "../kube/field-manager.ts";
import { KINDS, keyOf, pathOf, type KubeObject } from "../kube/kinds.ts";
import { NUDGE } from "../watch/brief-object.ts";
import type { Pod } from "../watch/pod.ts";
import { uidOf } from "./pod-inquiry.ts";
import { textOf, type Wanted } from "./wanted.ts";

export interface NudgerOptions {
  readonly client: Caller;
  readonly clock: Clock;
  readonly log: Log;
  /** The API server's answer to a patch of ours. */
  readonly wrote: (pod: KubeObject) => void;
}

/** The operator nudges a pod again that did not report in this time, and then less and less often; ms. */
const NUDGE_AGAIN = 2000;
/** Its kubelet looks by itself as often as that. */
const NUDGE_AGAIN_AT_MOST = 60_000;
/** The same for a pod that gives no answer at all: there may be thousands, for days, and each nudge is a write; ms. */
const QUIET_AGAIN_AT_MOST = 600_000;
/** Pods that are nudged at the same time; the next ones after a moment, in ms. */
const AT_A_TIME = 20;
const MOMENT = 100;
/** One turn begins no further nudge after this time: a pass for a newer config must not wait for thousands of pods; ms. */
const TURN = 2000;

/** A pod that does not serve what it is to serve. */
export interface Behind {
  readonly pod: Pod;
  /** It gave no answer when it was asked last. */
  readonly quiet: boolean;
}

interface Nudge {
  readonly wanted: string;
  readonly at: number;
  readonly count: number;
}

/** Nudges pods: makes their kubelets bring the files of their config volumes now. Hundreds of nudges are spread over time. */
export class Nudger {
  readonly #options: NudgerOptions;
  /** By the pod's uid. */
  readonly #nudges = new Map<string, Nudge>();

  constructor(options: NudgerOptions) {
    this.#options = options;
  }

  /** Nudges as many of these pods as one turn permits, in order; resolves with the others. */
  async nudge(pods: readonly Pod[], wanted: Wanted, signal: AbortSignal): Promise<readonly Pod[]> {
    const { clock } = this.#options;
    const end = clock.now() + TURN;
    for (let first = 0; first < pods.length; first += AT_A_TIME) {
      if (first > 0) await pause(MOMENT, clock, signal);
      if (signal.aborted || clock.now() >= end) return pods.slice(first);
      await Promise.all(pods.slice(first, first + AT_A_TIME).map((pod) => this.#nudge(pod, wanted, signal)));
    }
    return [];
  }

  /** Those of the pods that are to be nudged for this now, those first that have waited longest. */
  due(pods: readonly Behind[], wanted: Wanted): readonly Pod[] {
    const now = this.#options.clock.now();
    const text = textOf(wanted);
    const last = (pod: Pod): Nudge | undefined => {
      const nudge = this.#nudges.get(uidOf(pod));
      return nudge?.wanted === text ? nudge : undefined;
    };
    const isDue = ({ pod, quiet }: Behind): boolean => {
      const { at, count } = last(pod) ?? { at: Number.NEGATIVE_INFINITY, count: 0 };
      return now - at >= Math.min(NUDGE_AGAIN * 2 ** count, quiet ? QUIET_AGAIN_AT_MOST : NUDGE_AGAIN_AT_MOST);
    };
    const at = (pod: Pod): number => last(pod)?.at ?? 0;
    const due = pods.filter(isDue).map(({ pod }) => pod);
    return due.sort((one, other) => at(one) - at(other));
  }

  forget(uid: string): void {
    this.#nudges.delete(uid);
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
}

const short = (hash: string): string => hash.slice(0, 12);

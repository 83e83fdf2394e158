import type { PodState } from "../pods/dataplane-pods.ts";
import { isToServe, sidecarOf } from "../watch/injected-pod.ts";
import type { Pod } from "../watch/pod.ts";
import { holdUpOf } from "./hold-ups.ts";
import type { Rollout, StandingCondition } from "./rollout.ts";

/** What one look at the injected pods of a proxy goes by. */
export interface InjectedFacts {
  /** Of the WebSocketProxy. */
  readonly generation: number;
  readonly pods: readonly Pod[];
  readonly state: PodState;
  /** The condition Programmed as it stands in the status. */
  readonly programmed: StandingCondition | undefined;
  /** ms. */
  readonly now: number;
  /** ms since the epoch. */
  readonly wall: number;
}

/** What a look remembers for the next one. */
export interface InjectedMemory {
  readonly generation: number;
  /** Names of the pods that were not done. */
  readonly behind: ReadonlySet<string>;
  /** When there was progress last. */
  readonly since: number;
  /** Why it is stuck; "": it is not. */
  readonly words: string;
}

/** As for the pods of a Deployment; ms. */
const NO_PROGRESS = 120_000;
const STILL = "No progress for 2 minutes. The pods that are behind do not report the newest config.";

/**
 * How far injected pods are: only their data planes count, neither the processes beside them nor the shape of the container,
 * since the operator starts no pod of another owner anew.
 */
export function injectedRolloutOf(
  { generation, pods, state, programmed, now, wall }: InjectedFacts,
  before: InjectedMemory | undefined,
): { readonly rollout: Rollout; readonly memory: InjectedMemory; readonly again: number | undefined } {
  const stands = programmed?.observedGeneration === generation;
  const trusted = stands && programmed.status === "True";
  const wasStuck = before === undefined && stands && programmed.reason === "RolloutStuck";
  const behind = [...new Set([...state.outdated, ...state.late, ...(trusted ? [] : state.unproven)])].sort();
  const wanted = pods.filter(isToServe).length;
  const counts = { wanted, done: wanted - behind.length, behind, notReady: [], older: [] };
  const left = new Set(behind);
  if (behind.length === 0) {
    const memory = { generation, behind: left, since: now, words: "" };
    return { rollout: { ...counts, state: "Done", words: "" }, memory, again: undefined };
  }
  const isSame = before !== undefined && before.generation === generation && before.behind.size > 0;
  const moved = isSame && [...before.behind].some((name) => !left.has(name));
  const since = isSame && !moved ? before.since : wasStuck ? now - NO_PROGRESS : now;
  // A process that has just begun to look knows of no pod that is late, and the status that stands says that some are.
  const late = new Set(wasStuck ? behind : state.late);
  const held = pods
    .filter((pod) => late.has(pod.metadata.name) && sidecarOf(pod) !== undefined)
    .flatMap((pod) => holdUpOf(pod, wall)?.words ?? [])
    .sort();
  const still = now - since >= NO_PROGRESS ? STILL : "";
  // Between two crashes a container runs: it is held up all the same.
  const words = held[0] ?? ((isSame && !moved && before.words) || still);
  const memory = { generation, behind: left, since, words };
  return {
    rollout: { ...counts, state: words === "" ? "Rolling" : "Stuck", words },
    memory,
    again: words === "" ? Math.max(1000, since + NO_PROGRESS - now) : undefined,
  };
}

import { shortened } from "../shortened.ts";
import type { Pod } from "../watch/pod.ts";
import { conditionOf, LONGEST } from "./deployment.ts";
import { failureOf, holdUpOf, holdUpsOf, pausedOf, wordsOn, type HoldUp } from "./hold-ups.ts";
import { newestOf, progressOf, type Progress, type ProgressFacts } from "./progress.ts";
import { againAfter, standingOf, type Standing } from "./standing.ts";

/** How far the pods of a proxy are. */
export interface Rollout extends Pick<Progress, "wanted" | "done" | "behind" | "older"> {
  readonly state: "Done" | "Rolling" | "Stuck";
  /** Pods of the newest shape that are not ready. */
  readonly notReady: readonly string[];
  /** Why it is stuck; if it is done, why the next one will be. */
  readonly words: string;
}

/** What one look at a rollout goes by. */
export interface Facts extends Omit<ProgressFacts, "isRestless" | "trusted"> {
  /** Of the WebSocketProxy. */
  readonly generation: number;
  /** The condition Programmed as it stands in the status. */
  readonly programmed: StandingCondition | undefined;
  /** ms. */
  readonly now: number;
  /** ms since the epoch. */
  readonly wall: number;
}

export interface StandingCondition {
  readonly status: string;
  readonly reason: string;
  readonly observedGeneration?: number | undefined;
}

/** What a look remembers for the next one. */
export interface Memory {
  /** What the pods are on their way to. */
  readonly aim: string;
  readonly isDone: boolean;
  /** Most pods that were done. */
  readonly most: number;
  /** When there was progress last. */
  readonly since: number;
  readonly holdUps: ReadonlyMap<string, Standing>;
}

/** A rollout without progress for this time is stuck; ms. */
const NO_PROGRESS = 120_000;

/** `again`: the next look is due after this time, also without an event; ms. */
export interface Look {
  readonly rollout: Rollout;
  readonly memory: Memory;
  readonly again: number | undefined;
}

/**
 * How far a rollout is, by what Kubernetes and the pods say. `before` is the memory of the last look; a process without one
 * goes by the status that stands, so that a restart does not change the answer.
 */
export function rolloutOf(facts: Facts, before: Memory | undefined): Look {
  const { deployment, generation, pods, programmed, now, wall } = facts;
  const stands = programmed?.observedGeneration === generation;
  const wasStuck = before === undefined && stands && programmed.reason === "RolloutStuck";
  const found = new Map(newestOf(pods).map((pod) => [pod, holdUpOf(pod, wall)]));
  const ready = new Set(facts.state.ready);
  const isReady = (pod: Pod): boolean => ready.has(pod.metadata.name);
  const standing = (holdUp: HoldUp, isCalm: boolean): Standing =>
    standingOf(holdUp, before?.holdUps.get(holdUp.key), { now, ready: isCalm, told: wasStuck });
  const isRestless = (pod: Pod): boolean => {
    const holdUp = found.get(pod);
    if (holdUp === undefined || (!wasStuck && before?.holdUps.has(holdUp.key) !== true)) return false;
    return isReady(pod) && !standing(holdUp, true).isOver;
  };
  const progress = progressOf({ ...facts, trusted: stands && programmed.status === "True", isRestless });
  const aim = `${generation} ${pods.newest?.uid ?? ""}`;
  if (progress.isDone) {
    const memory = { aim, isDone: true, most: progress.done, since: now, holdUps: new Map() };
    const words = (deployment && pausedOf(deployment)?.words) ?? "";
    return { rollout: { ...counts(progress), state: "Done", words }, memory, again: undefined };
  }

  const holdUps = new Map<string, Standing>();
  for (const holdUp of deployment === undefined ? [] : holdUpsOf(deployment)) {
    holdUps.set(holdUp.key, standing(holdUp, false));
  }
  for (const pod of progress.notReady) {
    const holdUp = found.get(pod);
    if (holdUp !== undefined) holdUps.set(holdUp.key, standing(holdUp, isReady(pod)));
  }
  const since = lastProgress(progress, aim, holdUps, before) ?? (wasStuck ? now - NO_PROGRESS : now);
  const same = before !== undefined && !before.isDone && before.aim === aim;
  const most = same ? Math.max(before.most, progress.done) : progress.done;
  const told = toldOf(holdUps);
  const words = told !== "" ? told : now - since >= NO_PROGRESS ? stillness(progress, facts) : exceeded(facts);
  return {
    rollout: { ...counts(progress), state: words === "" ? "Rolling" : "Stuck", words },
    memory: { aim, isDone: false, most, since: Math.min(since, now), holdUps },
    again: againAfter(holdUps.values(), now, words === "" ? since + NO_PROGRESS - now : undefined),
  };

  /** When there was progress last; undefined: at no time that is known. */
  function lastProgress(
    { done }: Progress,
    to: string,
    left: ReadonlyMap<string, Standing>,
    known: Memory | undefined,
  ): number | undefined {
    if (known === undefined) return undefined;
    if (known.isDone || known.aim !== to || done > known.most) return now;
    // What held it up is over.
    if ([...known.holdUps].some(([key, { isTold }]) => isTold && !left.has(key))) return now;
    return known.since;
  }
}

/** The hold-up that has lasted longest, and how many more there are. */
function toldOf(holdUps: ReadonlyMap<string, Standing>): string {
  const told = [...holdUps.values()].filter(({ isTold }) => isTold);
  const rank = ({ about }: Standing): number => (about === "deployment" ? 0 : 1);
  told.sort((one, other) => rank(one) - rank(other) || one.since - other.since || (one.words < other.words ? -1 : 1));
  const [first] = told;
  if (first === undefined) return "";
  return told.length === 1 ? first.words : `${first.words} (and ${told.length - 1} more)`;
}

function exceeded({ deployment }: Facts): string {
  const stopped = deployment && conditionOf(deployment, "Progressing", "False");
  if (stopped?.reason !== "ProgressDeadlineExceeded") return "";
  return shortened(`Deployment ${deployment?.metadata.name}: ${stopped.reason}: ${stopped.message ?? ""}`, LONGEST);
}

/** Why nothing moves, where Kubernetes reports no failure. */
function stillness(progress: Progress, { deployment, pods }: Facts): string {
  const [still] = progress.notReady.map(wordsOn).sort();
  const [failed] = newestOf(pods)
    .flatMap((pod) => failureOf(pod) ?? [])
    .sort();
  const name = deployment?.metadata.name;
  const words =
    still ??
    failed ??
    (progress.behind.length > 0
      ? "The pods that are behind do not take the newest config."
      : deployment === undefined
        ? "There is no Deployment."
        : progress.isTaken
          ? "Kubernetes does not make the other pods."
          : `Deployment ${name}: its controller does not take the newest shape.`);
  return `No progress for 2 minutes. ${words}`;
}

function counts({ wanted, done, behind, older, notReady }: Progress): Omit<Rollout, "state" | "words"> {
  return { wanted, done, behind, older, notReady: notReady.map(({ metadata: { name } }) => name).sort() };
}

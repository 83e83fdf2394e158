import { shortened } from "../shortened.ts";
import type { Pod } from "../watch/pod.ts";
import { conditionOf, LONGEST } from "./deployment.ts";
import { editOf, isAbout, settlesAfter, type Edit } from "./edit.ts";
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
  readonly edit: Edit;
  readonly isDone: boolean;
  /** Most pods that were done. */
  readonly most: number;
  /** When there was progress last. */
  readonly since: number;
  readonly holdUps: ReadonlyMap<string, Standing>;
}

/** A rollout without progress for this time is stuck; ms. */
const NO_PROGRESS = 120_000;
/** Hold-ups of one proxy that are remembered. */
const MOST = 32;

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
  const ready = new Set(facts.state.ready);
  const found = new Map(newestOf(pods).map((pod) => [pod, holdUpOf(pod, wall)]));
  const standing = (holdUp: HoldUp, isReady: boolean): Standing =>
    standingOf(holdUp, before?.holdUps.get(holdUp.key), { now, ready: isReady, told: wasStuck });
  const isRestless = (pod: Pod): boolean => {
    const holdUp = found.get(pod);
    if (holdUp === undefined || (!wasStuck && before?.holdUps.has(holdUp.key) !== true)) return false;
    return !standing(holdUp, true).isOver;
  };
  const progress = progressOf({ ...facts, trusted: stands && programmed.status === "True", isRestless });
  const aim = `${generation} ${pods.newest?.uid ?? ""}`;
  const shape = deployment?.metadata.generation;
  const edit = editOf({ generation, shape, isObserved: progress.isObserved, stands, now }, before?.edit);
  if (progress.isDone) {
    const memory = { aim, edit, isDone: true, most: progress.done, since: now, holdUps: new Map() };
    const words = (deployment && pausedOf(deployment)?.words) ?? "";
    return { rollout: { ...counts(progress), state: "Done", words }, memory, again: undefined };
  }

  const all = [
    ...(deployment === undefined ? [] : holdUpsOf(deployment)).map((holdUp) => standing(holdUp, false)),
    ...progress.notReady.flatMap((pod) => {
      const holdUp = found.get(pod);
      return holdUp === undefined ? [] : [standing(holdUp, ready.has(pod.metadata.name))];
    }),
  ].sort(longestFirst);
  const holdUps = new Map(all.slice(0, MOST).map((one) => [one.key, one]));
  const moved = movedAt({ aim, done: progress.done, keys: new Set(all.map(({ key }) => key)), now }, before);
  const since = moved ?? (wasStuck ? now - NO_PROGRESS : now);
  const isStill = now - since >= NO_PROGRESS;
  const told = all.filter((one) => isAbout(edit, one, now));
  const gaveUp = exceeded(facts, progress);
  const settles = settlesAfter(edit, now);
  const words = toldOf(told) || (settles === 0 ? gaveUp : "") || (isStill ? stillness(facts, progress) : "");
  const isHeldBack = settles > 0 && (told.length < all.length || gaveUp !== "");
  const next = isHeldBack ? settles : since + NO_PROGRESS - now;
  const same = before !== undefined && !before.isDone && before.aim === aim;
  const most = same ? Math.max(before.most, progress.done) : progress.done;
  return {
    rollout: { ...counts(progress), state: words === "" ? "Rolling" : "Stuck", words },
    memory: { aim, edit, isDone: false, most, since, holdUps },
    again: againAfter(holdUps.values(), now, words === "" ? next : undefined),
  };
}

interface Moment {
  readonly aim: string;
  readonly done: number;
  /** Of all hold-ups. */
  readonly keys: ReadonlySet<string>;
  readonly now: number;
}

/** When something moved last: a pod more is done, or what held one up is over. undefined: it is not known. */
function movedAt({ aim, done, keys, now }: Moment, before: Memory | undefined): number | undefined {
  if (before === undefined) return undefined;
  if (before.isDone || before.aim !== aim || done > before.most) return now;
  const isOver = [...before.holdUps.values()].some(({ isTold, key }) => isTold && !keys.has(key));
  return isOver ? now : before.since;
}

/** What keeps Kubernetes from making pods comes first, then what has lasted longest. */
function longestFirst(one: Standing, other: Standing): number {
  const rank = ({ about }: Standing): number => (about === "deployment" ? 0 : 1);
  return rank(one) - rank(other) || one.since - other.since || (one.words < other.words ? -1 : 1);
}

/** The first hold-up that is to be told, and how many more there are. */
function toldOf(all: readonly Standing[]): string {
  const [first, ...more] = all.filter(({ isTold }) => isTold);
  if (first === undefined) return "";
  return more.length === 0 ? first.words : `${first.words} (and ${more.length} more)`;
}

/** Kubernetes gave up. */
function exceeded({ deployment }: Facts, { isObserved }: Progress): string {
  const stopped = deployment && conditionOf(deployment, "Progressing", "False");
  if (!isObserved || stopped?.reason !== "ProgressDeadlineExceeded") return "";
  return shortened(`Deployment ${deployment?.metadata.name}: ${stopped.reason}: ${stopped.message ?? ""}`, LONGEST);
}

/** Why nothing moves, where Kubernetes reports no failure. */
function stillness({ deployment, pods }: Facts, { notReady, behind, isObserved }: Progress): string {
  const [still] = notReady.map(wordsOn).sort();
  const [failed] = newestOf(pods)
    .flatMap((pod) => failureOf(pod) ?? [])
    .sort();
  return `No progress for 2 minutes. ${still ?? failed ?? rest()}`;

  function rest(): string {
    if (deployment === undefined) return "There is no Deployment.";
    if (!isObserved) return `Deployment ${deployment.metadata.name}: its controller does not take the newest shape.`;
    if (behind.length > 0) return "The pods that are behind do not report the newest config.";
    return "Kubernetes does not make or remove the other pods.";
  }
}

function counts({ wanted, done, behind, older, notReady }: Progress): Omit<Rollout, "state" | "words"> {
  return { wanted, done, behind, older, notReady: notReady.map(({ metadata: { name } }) => name).sort() };
}

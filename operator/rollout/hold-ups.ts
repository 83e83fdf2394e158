import type { Container, Pod } from "../watch/pod.ts";
import { shortened } from "../shortened.ts";
import { conditionOf, LONGEST, type Deployment } from "./deployment.ts";

/** What keeps the Deployment or one pod from getting on, in Kubernetes' own words. */
export interface HoldUp {
  /** The same hold-up has the same key, whatever its words are. */
  readonly key: string;
  readonly words: string;
  /** It is told when it has lasted for so long; ms. */
  readonly patience: number;
  /** What its words are about. */
  readonly about: "deployment" | "node" | "image" | "container";
  /** Words that say less than others about the same: they do not replace them. */
  readonly lesser?: boolean;
}

/** A pod may find a node, or get over a crash, within this time; ms. */
const PATIENCE = 30_000;
/** A crash that is older says nothing of now: Kubernetes starts such a container again at once; ms. */
const RECENT = 15 * 60_000;
/** Every container waits for these in its first moments. */
const ORDINARY = new Set(["ContainerCreating", "PodInitializing"]);
const BACK_OFF = "CrashLoopBackOff";
/** Restarts from which on a container crashes again and again. */
const AGAIN = 2;

/** The Deployment controller may make no ReplicaSet. It then does not say that it has seen the Deployment. */
const NO_SET = "ReplicaSetCreateError";

/** Why the Deployment makes no pod. */
export function holdUpsOf(deployment: Deployment): readonly HoldUp[] {
  const failure = conditionOf(deployment, "ReplicaFailure", "True");
  const stopped = conditionOf(deployment, "Progressing", "False");
  const paused = pausedOf(deployment);
  return [
    ...(stopped?.reason !== NO_SET ? [] : [ofDeployment(deployment, "set", said(stopped.reason, stopped.message))]),
    ...(failure === undefined ? [] : [ofDeployment(deployment, "failure", said(failure.reason, failure.message))]),
    ...(paused === undefined ? [] : [paused]),
  ];
}

/** A paused Deployment replaces no pod. */
export function pausedOf(deployment: Deployment): HoldUp | undefined {
  if (deployment.spec?.paused !== true) return undefined;
  const words = `it is paused (spec.paused) and replaces no pod; kubectl rollout resume ends that.`;
  return ofDeployment(deployment, "paused", words);
}

function ofDeployment({ metadata: { name } }: Deployment, key: string, words: string): HoldUp {
  return { key, words: shortened(`Deployment ${name}: ${words}`, LONGEST), about: "deployment", patience: 0 };
}

/** Why a pod does not run: no node takes it, a container cannot start, or crashes. `wall`: now, in ms since the epoch. */
export function holdUpOf(pod: Pod, wall: number): HoldUp | undefined {
  const { name, uid = name } = pod.metadata;
  const told = (words: string, more: Omit<HoldUp, "key" | "words">): HoldUp => {
    const key = `${uid} ${more.about === "node" ? "node" : "containers"}`;
    return { key, words: shortened(`Pod ${name}: ${words}`, LONGEST), ...more };
  };
  const unscheduled = pod.status?.conditions?.find((it) => it.type === "PodScheduled" && it.status === "False");
  if (unscheduled !== undefined) {
    return told(said(unscheduled.reason ?? "not scheduled", unscheduled.message), {
      about: "node",
      patience: PATIENCE,
    });
  }
  const containers = containersOf(pod);
  const waiting = containers.map(({ state }) => state?.waiting).find((it) => isOdd(it?.reason));
  if (waiting !== undefined) {
    const { reason = "", message } = waiting;
    const about = reason.includes("Image") ? "image" : "container";
    return told(said(reason, message), { about, patience: 0, lesser: reason.endsWith("BackOff") });
  }
  const crashing = containers.find((one) => isCrashing(one, wall));
  return crashing && told(crashWords(crashing), { about: "container", patience: PATIENCE });
}

/** What is to be said of a pod that does not get on and of which Kubernetes reports no failure. */
export function wordsOn(pod: Pod): string {
  const { name } = pod.metadata;
  const waiting = containersOf(pod).find(({ state }) => state?.waiting?.reason !== undefined)?.state?.waiting;
  const ready = pod.status?.conditions?.find((it) => it.type === "Ready" && it.status !== "True");
  const words =
    waiting !== undefined
      ? said(waiting.reason, waiting.message)
      : ready?.reason === undefined
        ? "not ready"
        : said(ready.reason, ready.message);
  return shortened(`Pod ${name}: ${words}; kubectl describe pod ${name} has its events.`, LONGEST);
}

/** Why a pod failed as a whole, such as an eviction; undefined: it did not, or Kubernetes does not say. */
export function failureOf({ metadata, status }: Pod): string | undefined {
  if (status?.phase !== "Failed" || status.reason === undefined) return undefined;
  return shortened(`Pod ${metadata.name}: ${said(status.reason, status.message)}`, LONGEST);
}

/** Those that start first come first: the others wait for them. An init container that did its work is of no interest. */
function containersOf({ status }: Pod): readonly Container[] {
  const first = (status?.initContainerStatuses ?? []).filter(({ state }) => state?.terminated?.exitCode !== 0);
  return [...first, ...(status?.containerStatuses ?? [])];
}

function isOdd(reason: string | undefined): boolean {
  return reason !== undefined && reason !== BACK_OFF && !ORDINARY.has(reason);
}

/** Between two crashes a container waits, runs and ends in turn: all of that is one crash loop. */
function isCrashing({ state, lastState, restartCount = 0 }: Container, wall: number): boolean {
  if (state?.waiting?.reason === BACK_OFF) return true;
  const ended = state?.terminated ?? lastState?.terminated;
  if (restartCount < AGAIN || ended === undefined) return false;
  const at = Date.parse(ended.finishedAt ?? "");
  return Number.isNaN(at) || wall - at < RECENT;
}

/** Not the words of Kubernetes: they count seconds. */
function crashWords({ name = "", state, lastState }: Container): string {
  const { reason, exitCode } = state?.terminated ?? lastState?.terminated ?? {};
  const how = [
    ...(exitCode === undefined ? [] : [`exit code ${exitCode}`]),
    ...(reason === undefined ? [] : [reason]),
  ].join(", ");
  const words = `container ${name} ends again and again`.replace("  ", " ");
  return `${BACK_OFF}: ${words}${how === "" ? "" : `, last with ${how}`}.`;
}

function said(reason = "", message = ""): string {
  if (reason === "" || message === "") return reason + message;
  return `${reason}: ${message}`;
}

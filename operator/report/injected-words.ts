import type { ReasonOf } from "../../api/conditions.ts";
import { INJECTED_LABEL, SHAPE_ANNOTATION, SIDECAR } from "../../api/meta.ts";
import { ownPreStops } from "../watch/injected-pod.ts";
import { isAlive, type Pod } from "../watch/pod.ts";
import { listed } from "./listed.ts";

/** What the status tells of the pods of a proxy of mode Sidecar, beside what they serve. */
export interface InjectedFindings {
  /** How many have a container of another shape than pods get now; undefined: pods get none. */
  readonly outdated: number | undefined;
  /** Sentences at the end of Programmed's message. */
  readonly remarks: readonly string[];
}

/** What reasons of Programmed mean in mode Sidecar, where the table of all reasons says what they mean in mode Gateway. */
export const INJECTED_MEANING: { readonly [R in ReasonOf<"Programmed">]?: string } = {
  Programmed: "Every injected pod serves this generation.",
  RollingOut: "Not every injected pod serves this generation yet.",
};

/** `shape`: the value of the shape annotation that pods get now. */
export function injectedFindings(own: readonly Pod[], shape: string | undefined): InjectedFindings {
  const alive = own.filter(isAlive);
  const outdated =
    shape === undefined ? [] : alive.filter(({ metadata }) => metadata.annotations?.[SHAPE_ANNOTATION] !== shape);
  const containers = [...new Set(alive.flatMap(ownPreStops))].sort();
  return {
    outdated: shape === undefined ? undefined : outdated.length,
    remarks: [
      ...(outdated.length === 0 ? [] : [outdatedWords(outdated)]),
      ...(containers.length === 0 ? [] : [preStopWords(containers)]),
    ],
  };
}

/** Pods with the label that have no data plane. */
export function bareWords(pods: readonly string[]): string {
  return `With the label ${INJECTED_LABEL}, and without the native sidecar ${SIDECAR.container}: ${listed(pods)}.`;
}

function preStopWords(containers: readonly string[]): string {
  return `With a preStop hook of their own: ${containers.length === 1 ? "container" : "containers"} ${listed(containers)}. When a pod stops, such a hook must last until the gateway has drained (its admin port answers /drained then), else the sessions that are left end at once, with 1012, and not spread over the drain period.`;
}

/** Kinds that kubectl rollout restart knows. */
const RESTARTED: Readonly<Record<string, string>> = {
  Deployment: "deployment",
  StatefulSet: "statefulset",
  DaemonSet: "daemonset",
};
const isRestarted = (kind: string): boolean => Object.hasOwn(RESTARTED, kind);
/** A user may write any text as the name of an owner; a command in a status names only what can be an object. */
const NAME = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
/** Owners that one command names. */
const MOST_OWNERS = 3;

function outdatedWords(pods: readonly Pod[]): string {
  const names = pods.map(({ metadata: { name } }) => name).sort();
  const owners = pods.map(ownerOf);
  const commands = new Set<string>();
  for (const { kind, name } of owners) if (isRestarted(kind)) commands.add(`${RESTARTED[kind]}/${name}`);
  const { namespace = "" } = pods[0]?.metadata ?? {};
  const some = [...commands].sort();
  const restart = `kubectl rollout restart --namespace ${namespace} ${some.slice(0, MOST_OWNERS).join(" ")}`;
  const more = some.length > MOST_OWNERS ? `, and ${some.length - MOST_OWNERS} more owners are to be restarted` : "";
  const has = (is: (kind: string) => boolean): boolean => owners.some(({ kind }) => is(kind));
  return [
    `With a container of an older shape: ${listed(names)}.`,
    ...(some.length === 0 ? [] : [`${restart} restarts them${more}.`]),
    ...(has((kind) => kind === "Job") ? ["Pods of Jobs go when they end."] : []),
    ...(has((kind) => kind === "") ? ["Delete pods without a controller, and create them anew."] : []),
    ...(has((kind) => kind !== "" && kind !== "Job" && !isRestarted(kind))
      ? ["Delete pods of other controllers: these make new ones."]
      : []),
  ].join(" ");
}

/** The object that is restarted to replace a pod, without a call: the Deployment, where a ReplicaSet of one made it. */
function ownerOf({ metadata: { ownerReferences = [], labels = {} } }: Pod): {
  readonly kind: string;
  readonly name: string;
} {
  const controller = ownerReferences.find((one) => one.controller === true);
  if (controller === undefined) return { kind: "", name: "" };
  if (!NAME.test(controller.name)) return { kind: "Other", name: "" };
  const hash = labels["pod-template-hash"];
  const ofDeployment = controller.kind === "ReplicaSet" && hash !== undefined && controller.name.endsWith(`-${hash}`);
  if (!ofDeployment) return controller;
  return { kind: "Deployment", name: controller.name.slice(0, -hash.length - 1) };
}

/** Finds the injected pods of a proxy, as text. */
export function injectedSelector(base: string): string {
  return `${INJECTED_LABEL}=${base}`;
}

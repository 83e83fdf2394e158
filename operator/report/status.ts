import { CONDITION_REASONS, type Condition, type ConditionType, type ReasonOf } from "../../api/conditions.ts";
import { ADMIN_PORT } from "../../api/meta.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { PodState } from "../pods/dataplane-pods.ts";
import type { Rendered } from "../render/render.ts";
import type { Rollout } from "../rollout/rollout.ts";
import { shortened } from "../shortened.ts";
import { bounded, KEPT_CONFIG, LONGEST_MESSAGE } from "../translate/status.ts";
import type { Translation } from "../translate/translation.ts";
import { bareWords, INJECTED_MEANING, type InjectedFindings } from "./injected-words.ts";
import { listed } from "./listed.ts";

/** What the status of one proxy is made of. */
export interface Findings {
  readonly generation: number;
  readonly translation: Translation;
  readonly rendered: Pick<Rendered, "serving" | "problem">;
  /** Objects that could not be written, each with the API server's words. */
  readonly refusals: readonly string[];
  readonly pods: PodState;
  readonly rollout: Rollout;
  /** Is there a Service of the proxy? Without it no client reaches a pod. In mode Sidecar it is the user's. */
  readonly hasService: boolean;
  /** With mode Sidecar only. */
  readonly injected?: InjectedFindings | undefined;
  /** Sentences at the end of Programmed's message; default none. */
  readonly remarks?: readonly string[];
  /** Finds the pods of the proxy, as text. */
  readonly selector: string;
  readonly address: string | undefined;
}

type Conditions = NonNullable<WebSocketProxyStatus["conditions"]>;

/** The whole status. A condition's time is that of the last change of its `status`, as `before` has it, or `now`. */
export function statusOf(
  findings: Findings,
  before: WebSocketProxyStatus | undefined,
  now: number,
): WebSocketProxyStatus {
  const { generation, translation, rendered, pods, selector, address, injected } = findings;
  const programmed = programmedOf(findings);
  const own: readonly Condition[] = [...translation.status.conditions, programmed, readyOf(findings)];
  const known = new Map(before?.routes?.map(({ name, conditions }) => [name, conditions]));
  const { routes, readyBackends } = translation.status;
  return {
    observedGeneration: generation,
    conditions: dated(own, before?.conditions, now),
    ...(address === undefined ? {} : { address }),
    acceptedRoutes: `${routes.filter(isAccepted).length}/${routes.length}`,
    ...(readyBackends === undefined ? {} : { readyBackends }),
    routes: routes.map(({ name, conditions }) => ({ name, conditions: dated(conditions, known.get(name), now) })),
    dataplane: {
      replicas: pods.pods,
      readyReplicas: pods.ready.length,
      ...(injected?.outdated === undefined ? {} : { outdated: injected.outdated }),
      selector,
      ...(rendered.serving === undefined ? {} : { configHash: rendered.serving.hash }),
    },
  };
}

function programmedOf({
  generation,
  translation,
  rendered,
  refusals,
  pods,
  rollout,
  injected,
  remarks = [],
}: Findings): Condition<"Programmed"> {
  const older = new Set(rollout.older);
  const refusing = pods.refusing.find(({ pod }) => !older.has(pod));
  const beside = [...wordsOnPods(pods, rollout, injected), ...remarks];
  const says = (reason: ReasonOf<"Programmed">, more = ""): Condition<"Programmed"> =>
    condition(
      "Programmed",
      reason,
      reason === "Programmed",
      joined([more, ...beside]),
      generation,
      injected && INJECTED_MEANING[reason],
    );
  const { config, infra } = translation;
  const count = injected === undefined ? countOf(rollout, pods) : countOfInjected(rollout, pods);
  const stuck = stuckWords(rollout, count);
  if (infra === undefined) {
    return says(
      "NotAccepted",
      config === undefined ? "" : joined([KEPT_CONFIG, stuck && `Its rollout is stuck: ${stuck}`]),
    );
  }
  if (rendered.problem !== undefined) return says("NotApplied", `${rendered.problem.at}: ${rendered.problem.message}`);
  if (refusals.length > 0) {
    return says("NotApplied", bounded("", refusals, stuck && `; the rollout is stuck: ${sentence(rollout.words)}`));
  }
  if (refusing !== undefined) {
    return says(refusing.stage === "listener" ? "ListenerFailed" : "ConfigRejected", refusalOf(refusing));
  }
  if (rollout.state === "Stuck") return says("RolloutStuck", stuck);
  if (rollout.state === "Done") {
    return says("Programmed", joined([noneWanted(rollout, injected !== undefined), rollout.words]));
  }
  const isPending = injected === undefined && pods.ready.length === 0;
  return isPending ? says("Pending", noneReady(pods.pods)) : says("RollingOut", count);
}

/** One line each for pods without a usable report, for old pods that refuse the config, and for pods that only have the labels. */
function wordsOnPods(
  { unusable, strangers, refusing }: PodState,
  { older }: Rollout,
  injected: InjectedFindings | undefined,
): string[] {
  const [first] = unusable;
  const more = unusable.length > 1 ? ` Nor do ${listed(unusable.slice(1).map(({ pod }) => pod))}.` : "";
  const known = new Set(older);
  const old = refusing.find(({ pod }) => known.has(pod));
  return [
    // The rollout replaces it; until then it does not learn of a key that was removed.
    ...(old === undefined
      ? []
      : [`Until it is replaced, pod ${old.pod} keeps its last good config: ${old.problems.join("; ")}.`]),
    ...(first === undefined ? [] : [`Pod ${first.pod} gives no usable report: ${first.words}.${more}`]),
    ...(strangers.length === 0 ? [] : [injected === undefined ? strangeWords(strangers) : bareWords(strangers)]),
    ...(injected?.remarks ?? []),
  ];
}

function strangeWords(strangers: readonly string[]): string {
  return `With the labels of this proxy, and not its own, though its Service may lead to them: ${listed(strangers)}.`;
}

function refusalOf({ pod, problems }: PodState["refusing"][number]): string {
  return sentence(`Pod ${pod}: ${problems.join("; ")}`);
}

/** Also an edit that cannot be brought to the pods must not hide that the one before it is stuck; "": it is not. */
function stuckWords(rollout: Rollout, count: string): string {
  return rollout.state === "Stuck" ? joined([count, sentence(rollout.words)]) : "";
}

/** Injected pods may be unready for reasons of their own process, and get traffic from a Service that takes those too. */
function countOfInjected({ done, wanted, behind }: Rollout, { silent }: PodState): string {
  const [answers, none] = split(behind, silent);
  return joined([
    `${done} of ${wanted} pods so far.`,
    names("Without the newest config", answers),
    names("The operator gets no answer from the admin port of", none),
  ]);
}

/** The pods that are not in `silent`, and those that are: there may be thousands in both. */
function split(
  pods: readonly string[],
  silent: readonly string[],
): readonly [answers: readonly string[], none: readonly string[]] {
  const known = new Set(silent);
  return [pods.filter((pod) => !known.has(pod)), pods.filter((pod) => known.has(pod))];
}

function names(what: string, pods: readonly string[]): string {
  return pods.length === 0 ? "" : `${what}: ${listed(pods)}.`;
}

/** `1 of 3 pods so far. Not ready: b.` */
function countOf({ done, wanted, notReady, behind, older }: Rollout, { silent }: PodState): string {
  const [answers, none] = split(behind, silent);
  return joined([
    `${done} of ${wanted} pods so far.`,
    names("Ready, without the newest config", answers),
    names(`Ready, but the operator gets no answer from port ${ADMIN_PORT}`, none),
    names("Not ready", notReady),
    names("Of an older shape", older),
  ]);
}

function noneWanted({ wanted }: Rollout, injected: boolean): string {
  if (wanted > 0) return "";
  return injected ? "No pod has the data plane yet." : "No pod is to serve: replicas is 0.";
}

/** Kubernetes' words often have no full stop. */
function sentence(words: string): string {
  return /[.!?…]$/.test(words) ? words : `${words}.`;
}

function joined(sentences: readonly string[]): string {
  return sentences.filter((one) => one !== "").join(" ");
}

function noneReady(pods: number): string {
  return pods === 0 ? "There are no pods yet." : `None of ${pods} pods is ready.`;
}

/** A ready pod has a config in force. What comes later, such as a key or an edit that is not accepted, changes nothing. */
function readyOf({ generation, translation, pods, hasService }: Findings): Condition<"Ready"> {
  if (pods.ready.length > 0 && hasService) return condition("Ready", "Ready", true, "", generation);
  const nothing = pods.ready.length > 0 || (translation.config === undefined && translation.infra === undefined);
  const more = pods.ready.length > 0 ? "The proxy has no Service." : "";
  return condition("Ready", nothing ? "NotProgrammed" : "NoReadyPods", false, more, generation);
}

function condition<T extends ConditionType>(
  type: T,
  reason: ReasonOf<T>,
  holds: boolean,
  more: string,
  observedGeneration: number,
  words = (CONDITION_REASONS[type] as Readonly<Record<string, string>>)[reason] ?? "",
): Condition<T> {
  const message = shortened(more === "" ? words : `${words} ${more}`, LONGEST_MESSAGE);
  return { type, status: holds ? "True" : "False", reason, message, observedGeneration };
}

function dated(conditions: readonly Condition[], before: Conditions | undefined, now: number): Conditions {
  const time = new Date(now).toISOString().replace(/\.\d+Z$/, "Z");
  return conditions.map((one) => {
    const known = before?.find(({ type }) => type === one.type);
    return { ...one, lastTransitionTime: known?.status === one.status ? known.lastTransitionTime : time };
  });
}

function isAccepted({ conditions }: { readonly conditions: readonly Condition[] }): boolean {
  return conditions.some(({ type, status }) => type === "Accepted" && status === "True");
}

import { CONDITION_REASONS, type Condition, type ConditionType, type ReasonOf } from "../../api/conditions.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { PodState } from "../pods/dataplane-pods.ts";
import type { Rendered } from "../render/render.ts";
import { shortened } from "../shortened.ts";
import { bounded, KEPT_CONFIG, LONGEST_MESSAGE } from "../translate/status.ts";
import type { Translation } from "../translate/translation.ts";

/** What the status of one proxy is made of. */
export interface Findings {
  readonly generation: number;
  readonly translation: Translation;
  readonly rendered: Pick<Rendered, "serving" | "problem">;
  /** Objects that could not be written, each with the API server's words. */
  readonly refusals: readonly string[];
  readonly pods: PodState;
  /** Why no pod is ready, in Kubernetes' words; empty: it does not say. */
  readonly holdUp: string;
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
  const { generation, translation, rendered, pods, selector, address } = findings;
  const programmed = programmedOf(findings);
  const own: readonly Condition[] = [...translation.status.conditions, programmed, readyOf(findings, programmed)];
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
  holdUp,
  remarks = [],
}: Findings): Condition<"Programmed"> {
  const beside = [...wordsOnPods(pods), ...remarks];
  const says = (reason: ReasonOf<"Programmed">, more = ""): Condition<"Programmed"> =>
    condition("Programmed", reason, reason === "Programmed", joined([more, ...beside]), generation);
  const { config, infra } = translation;
  if (infra === undefined) return says("NotAccepted", config === undefined ? "" : KEPT_CONFIG);
  if (rendered.problem !== undefined) return says("NotApplied", `${rendered.problem.at}: ${rendered.problem.message}`);
  if (refusals.length > 0) return says("NotApplied", bounded("", refusals, ""));
  const [refusing] = pods.refusing;
  if (refusing !== undefined) {
    const reason = refusing.stage === "listener" ? "ListenerFailed" : "ConfigRejected";
    return says(reason, `Pod ${refusing.pod}: ${refusing.problems.join("; ")}`);
  }
  if (pods.ready.length === 0) return says("Pending", noPodReady(infra.gateway?.replicas, pods.pods, holdUp));
  if (pods.behind.length > 0) {
    return says("Pending", `${pods.behind.length} of ${pods.ready.length} ready pods: ${listed(pods.behind)}.`);
  }
  return says("Programmed");
}

/** One line for pods without a usable report, and one for pods that only have the labels of the proxy. */
function wordsOnPods({ unusable, strangers }: PodState): string[] {
  const [first] = unusable;
  const more = unusable.length > 1 ? ` Nor do ${listed(unusable.slice(1).map(({ pod }) => pod))}.` : "";
  return [
    ...(first === undefined ? [] : [`Pod ${first.pod} gives no usable report: ${first.words}.${more}`]),
    ...(strangers.length === 0
      ? []
      : [`With the labels of this proxy, and not its own, though its Service may lead to them: ${listed(strangers)}.`]),
  ];
}

function joined(sentences: readonly string[]): string {
  return sentences.filter((one) => one !== "").join(" ");
}

function noPodReady(wanted: number | undefined, pods: number, holdUp: string): string {
  if (wanted === 0) return "spec.gateway.replicas is 0: no pod is to serve it.";
  const words = pods === 0 ? "There are no pods yet." : `None of ${pods} pods is ready.`;
  return holdUp === "" ? words : `${words} ${holdUp}`;
}

function readyOf({ generation, translation, pods }: Findings, programmed: Condition<"Programmed">): Condition<"Ready"> {
  const noneReady = pods.ready.length === 0 && translation.infra?.mode === "Gateway";
  const reason = programmed.status === "True" ? "Ready" : noneReady ? "NoReadyPods" : "NotProgrammed";
  return condition("Ready", reason, reason === "Ready", "", generation);
}

function condition<T extends ConditionType>(
  type: T,
  reason: ReasonOf<T>,
  holds: boolean,
  more: string,
  observedGeneration: number,
): Condition<T> {
  const words = (CONDITION_REASONS[type] as Readonly<Record<string, string>>)[reason] ?? "";
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

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length <= 5 ? shown : `${shown} and ${names.length - 5} more`;
}

import type { Problem } from "./problem.ts";

/** Condition types, in the order in which every list has them. */
export const CONDITION_TYPES = ["Accepted", "ResolvedRefs", "Programmed", "Ready"] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/**
 * Every reason that a condition can have (a closed set), with its meaning. A test checks that
 * `docs/reference/conditions.md` lists the same.
 */
export const CONDITION_REASONS = {
  Accepted: {
    Accepted: "The spec is valid.",
    PartiallyAccepted: "The spec is valid but for some routes, which are left out or stay as they were; the rest work.",
    Invalid: "A field is wrong; the message names it. The last good config stays in force.",
    NoRouteAccepted: "No route is accepted. The last good config stays in force.",
    RouteConflict: "An earlier route matches exactly the same requests.",
    TooLarge:
      "The config would be too large: its API keys, its backends, or all together; or, in mode Sidecar, what each pod gets. The last good config stays in force.",
    SidecarUnsupported:
      "Mode Sidecar is turned off in the chart, Kubernetes is older than 1.29, or the namespace is kube-system or the operator's own. The last good config stays in force, and its pods stay.",
    AuthenticationMissing: "No authentication is in effect, and the route does not say `require: None`.",
    ListenerConflict: "Another WebSocketProxy of the same process listens on this port already (standalone).",
  },
  ResolvedRefs: {
    ResolvedRefs: "Everything that the resource refers to was found and is fit.",
    SecretNotFound: "A Secret that is named does not exist in the namespace.",
    SecretInvalid: "A Secret lacks a key, has the wrong type or malformed content, or the operator may not read it.",
    SecretNotPermitted:
      'A Secret that is named as a credential lacks the label `wsproxy.dev/use: "true"`, with which its owner permits the use; the message has the command that sets it.',
    ConfigMapNotFound: "A ConfigMap that is named does not exist in the namespace.",
    ConfigMapInvalid: "A ConfigMap lacks a key or has malformed content, or the operator may not read it.",
    ServiceNotFound: "A Service that is named does not exist in the namespace.",
    ServicePortNotFound: "The Service, or its EndpointSlices, have no such TCP port.",
    ServiceUnsupported:
      "The Service, or a part of it or of its EndpointSlices, cannot be dialled; the message names it. The rest is used.",
    ApiKeysNotFound: "No Secret matches the selector of the API keys: every client is refused.",
    ApiKeyInvalid: "An API key is too short, too long, malformed, or given to two clients.",
    TooLarge:
      "The resource names more than the operator reads for one WebSocketProxy; the message says the limit. For what was not read, the values in force stay.",
    NotAccepted: "Nothing was looked up: the spec is not accepted.",
  },
  Programmed: {
    Programmed: "Every data plane pod has the newest shape, is ready and serves this generation.",
    RollingOut: "Not every data plane pod has the newest shape, is ready and serves this generation yet.",
    RolloutStuck: "The rollout does not get on.",
    Pending: "No data plane pod is ready yet.",
    NotAccepted: "There is nothing to program: the spec is not accepted.",
    NotApplied: "The operator could not write an object that the data plane needs; the message names it.",
    ConfigRejected: "The data plane refused the config and keeps the last good one.",
    ListenerFailed: "The data plane could not open the listener.",
  },
  Ready: {
    Ready: "At least one pod takes traffic by an accepted config.",
    NotProgrammed: "Nothing was ever in force, or no Service leads to the pods; see Programmed.",
    NoReadyPods: "No data plane pod is ready.",
  },
} as const satisfies Record<ConditionType, Record<string, string>>;

export type ReasonOf<T extends ConditionType> = { [K in ConditionType]: keyof (typeof CONDITION_REASONS)[K] }[T];
export type AcceptedProblem = Problem<Exclude<ReasonOf<"Accepted">, "Accepted">>;
export type ResolvedRefsProblem = Problem<Exclude<ReasonOf<"ResolvedRefs">, "ResolvedRefs" | "NotAccepted">>;

/** One condition as in metav1, without `lastTransitionTime`: the writer of the status adds it. */
export interface Condition<T extends ConditionType = ConditionType> {
  readonly type: T;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: ReasonOf<T>;
  readonly message: string;
  readonly observedGeneration: number;
}

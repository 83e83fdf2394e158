import type { Problem } from "./problem.ts";

/** Condition types, in the order in which they are always listed. */
export const CONDITION_TYPES = ["Accepted", "ResolvedRefs", "Programmed", "Ready"] as const;
export type ConditionType = (typeof CONDITION_TYPES)[number];

/**
 * Every reason that a condition can have: a closed set. `docs/reference/conditions.md` lists them, and a test holds the
 * two together.
 */
export const CONDITION_REASONS = {
  Accepted: {
    Accepted: "The spec is valid.",
    PartiallyAccepted: "The spec is valid but for some routes, which are left out or stay as they were; the rest work.",
    Invalid: "A field is wrong; the message names it. The last good config stays in force.",
    NoRouteAccepted: "None of the routes is accepted. The last good config stays in force.",
    RouteConflict: "An earlier route matches exactly the same requests.",
    TooLarge:
      "More than one config may hold: API keys, backends, or all together. The last good config stays in force.",
    SidecarUnsupported:
      "Mode Sidecar is not supported yet; write mode: Gateway. The last good config stays in force, and its pods stay.",
    AuthenticationMissing: "No authentication is in effect, and the route does not say `require: None`.",
    ListenerConflict: "Another WebSocketProxy of the same process listens on this port already (standalone).",
  },
  ResolvedRefs: {
    ResolvedRefs: "Everything that the resource refers to was found and is fit.",
    SecretNotFound: "A Secret that is named does not exist in the namespace.",
    SecretInvalid:
      "A Secret lacks a key, has the wrong type, holds something that cannot be read, or may not be read by the operator.",
    SecretNotPermitted:
      'A Secret that is named as a credential lacks the label `wsproxy.dev/use: "true"`, by which its owner permits that; the message has the command that sets it.',
    ConfigMapNotFound: "A ConfigMap that is named does not exist in the namespace.",
    ConfigMapInvalid:
      "A ConfigMap lacks a key, holds something that cannot be read, or may not be read by the operator.",
    ServiceNotFound: "A Service that is named does not exist in the namespace.",
    ServicePortNotFound: "The Service has no such port.",
    ServiceUnsupported: "The Service is of a kind that cannot be dialled here.",
    ApiKeysNotFound: "No Secret matches the selector of the API keys: everybody is refused.",
    ApiKeyInvalid: "An API key is too short, too long, malformed, or given to two clients.",
    TooLarge:
      "It refers to more than the operator reads for one WebSocketProxy; the message names the limit. What was in force of the rest stays.",
    NotAccepted: "Nothing was looked up: the spec is not accepted.",
  },
  Programmed: {
    Programmed: "Every ready data plane pod serves this generation.",
    Pending: "The data plane has not reported this generation yet.",
    NotAccepted: "There is nothing to program: the spec is not accepted.",
    NotApplied: "Not everything that the data plane needs could be written; the message says what.",
    ConfigRejected: "The data plane refused the config and keeps the last good one.",
    ListenerFailed: "The data plane could not open the listener.",
  },
  Ready: {
    Ready: "Programmed, and at least one pod takes traffic.",
    NotProgrammed: "See Programmed.",
    NoReadyPods: "No data plane pod is ready.",
  },
} as const satisfies Record<ConditionType, Record<string, string>>;

export type ReasonOf<T extends ConditionType> = { [K in ConditionType]: keyof (typeof CONDITION_REASONS)[K] }[T];
export type AcceptedProblem = Problem<Exclude<ReasonOf<"Accepted">, "Accepted">>;
export type ResolvedRefsProblem = Problem<Exclude<ReasonOf<"ResolvedRefs">, "ResolvedRefs" | "NotAccepted">>;

/** One condition, as Kubernetes writes it but for `lastTransitionTime`, which whoever writes the status adds. */
export interface Condition<T extends ConditionType = ConditionType> {
  readonly type: T;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: ReasonOf<T>;
  readonly message: string;
  readonly observedGeneration: number;
}

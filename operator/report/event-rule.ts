import type { ConditionType } from "../../api/conditions.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";

/** A condition of a status. */
export type Standing = NonNullable<WebSocketProxyStatus["conditions"]>[number];
export type EventType = "Normal" | "Warning";

/** Of Programmed: without a person these do not pass. RollingOut and Pending are ways to another state; NotAccepted is told by Accepted. */
const STOPPED: ReadonlySet<string> = new Set(["RolloutStuck", "NotApplied", "ConfigRejected", "ListenerFailed"]);

type Whole = Pick<WebSocketProxyStatus, "conditions" | "dataplane">;
type Rule = (now: Standing, told: Standing | undefined, status: Whole) => EventType | undefined;

const RULES: Readonly<Record<ConditionType, Rule>> = {
  Accepted: (now, told) => {
    if (told?.status === now.status && told.reason === now.reason) return undefined;
    return now.status === "True" && now.reason !== "PartiallyAccepted" ? "Normal" : "Warning";
  },
  ResolvedRefs: (now, told) => {
    if (now.status === "False") return told?.reason === now.reason ? undefined : "Warning";
    return now.status === "True" && told?.status === "False" ? "Normal" : undefined;
  },
  // The pods of a crash loop, or keys that change, take a proxy to RollingOut and back: that is the same state still.
  Programmed: (now, told) => {
    const isNews = told?.reason !== now.reason || told.observedGeneration !== now.observedGeneration;
    if (!isNews) return undefined;
    return now.status === "True" ? "Normal" : STOPPED.has(now.reason) ? "Warning" : undefined;
  },
  // A new proxy is not ready at first. One whose every pod serves, and that has none, was scaled to zero.
  Ready: (now, told, { conditions = [], dataplane }) => {
    if (now.status === "True") return told?.status === "True" ? undefined : "Normal";
    if (told?.status !== "True") return undefined;
    const isProgrammed = conditions.some(({ type, status }) => type === "Programmed" && status === "True");
    // Injected pods serve what they are to, also if none is ready for reasons of its own process.
    return isProgrammed && (dataplane?.replicas ?? 0) === 0 ? "Normal" : "Warning";
  },
};

/** Which Event a condition is worth, after the one that was told of last; undefined: none, a person need not know. */
export function eventTypeOf(now: Standing, told: Standing | undefined, status: Whole): EventType | undefined {
  return Object.hasOwn(RULES, now.type) ? RULES[now.type as ConditionType](now, told, status) : undefined;
}

/** What was told, as far as a condition that stands in a status says so: an operator that starts knows no more. */
export function toldBy(standing: Standing | undefined): Standing | undefined {
  if (standing === undefined || standing.reason === "NotAccepted") return undefined;
  const { type, status, reason } = standing;
  return type !== "Programmed" || status === "True" || STOPPED.has(reason) ? standing : undefined;
}

import type { Condition } from "../../api/conditions.ts";
import { gateway } from "../../api/pods.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { Findings } from "../../operator/report/status.ts";
import type { Rollout } from "../../operator/rollout/rollout.ts";
import type { Infra, Translation } from "../../operator/translate/translation.ts";
import { NO_PODS } from "./pod-state.ts";
import { configOf, endpointsOf } from "./config.ts";

/** A condition that a translation made. */
export const said = <T extends "Accepted" | "ResolvedRefs">(type: T, holds = true, message = "Words."): Condition<T> =>
  ({
    type,
    status: holds ? "True" : "False",
    reason: holds ? type : type === "Accepted" ? "Invalid" : "SecretNotFound",
    message,
    observedGeneration: 3,
  }) as Condition<T>;

export const INFRA: Infra = {
  mode: "Gateway",
  gateway: gateway.parse({}),
  sidecar: undefined,
  resources: {},
  listenerPort: 8080,
  servicePort: 80,
  drainPeriod: "30s",
};

/** A rollout that is done. */
export const DONE: Rollout = {
  state: "Done",
  wanted: 2,
  done: 2,
  notReady: [],
  behind: [],
  older: [],
  words: "",
};

export function translation(parts: Partial<Translation> = {}): Translation {
  return {
    config: configOf(),
    endpoints: endpointsOf([1]),
    infra: INFRA,
    status: {
      conditions: [said("Accepted"), said("ResolvedRefs")],
      routes: [
        { name: "main", conditions: [said("Accepted"), said("ResolvedRefs")] },
        { name: "broken", conditions: [said("Accepted", false), said("ResolvedRefs", false)] },
      ],
      problems: [],
    },
    warnings: [],
    notes: [],
    asides: [],
    ...parts,
  };
}

/** Findings of a proxy that is in order, but for `parts`. */
export function findings(parts: Partial<Findings> = {}): Findings {
  return {
    generation: 3,
    translation: translation(),
    rendered: { serving: { hash: "c".repeat(64), endpointsHash: "e".repeat(64) }, problem: undefined },
    refusals: [],
    pods: { ...NO_PODS, pods: 2, ready: ["one", "two"] },
    selector: "wsproxy.dev/proxy=wsproxy-chat",
    rollout: DONE,
    hasService: true,
    address: "wsproxy-chat.demo.svc:80",
    ...parts,
  };
}

/** One condition of a status. */
export const condition = (status: WebSocketProxyStatus, type: string) =>
  status.conditions?.find((it) => it.type === type);
/** `True Programmed` of one condition. */
export const brief = (status: WebSocketProxyStatus, type: string): string => {
  const it = condition(status, type);
  return `${it?.status} ${it?.reason}`;
};

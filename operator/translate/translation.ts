import type { Condition } from "../../api/conditions.ts";
import type { Config, Endpoints } from "../../api/config.ts";
import type { Problem } from "../../api/problem.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";

/** What a translation makes of one WebSocketProxy and the objects that it refers to. */
export interface Translation {
  /**
   * What is to be in force. Where the spec is not accepted, what was in force before, with what its references hold now;
   * undefined: there is nothing.
   */
  readonly config: Config | undefined;
  /** Where the backends are; empty where there is no config. */
  readonly endpoints: Endpoints;
  /** What the data plane's own objects in a cluster are made of; undefined where the spec is not accepted: they stay. */
  readonly infra: Infra | undefined;
  readonly status: ProxyStatus;
  /** Mistakes that the status may not tell, since they say what Secrets hold: for the operator's log. No value of a Secret. */
  readonly asides: readonly LocatedProblem[];
}

/** The shape of the pods, with every default applied. */
export interface Infra {
  readonly mode: WebSocketProxySpec["mode"];
  readonly gateway: WebSocketProxySpec["gateway"];
  readonly sidecar: WebSocketProxySpec["sidecar"];
  readonly resources: WebSocketProxySpec["dataplane"]["resources"];
  readonly listenerPort: number;
  /** Only with mode Gateway. */
  readonly servicePort: number | undefined;
  /** Go style, as the user wrote it. */
  readonly drainPeriod: string;
}

/** What a translation knows of the status: Accepted and ResolvedRefs. The rest is known only where pods are. */
export interface ProxyStatus {
  readonly conditions: readonly Condition<"Accepted" | "ResolvedRefs">[];
  readonly routes: readonly RouteStatus[];
  /** Every mistake by itself, in a stable order; the conditions' messages are made of them. */
  readonly problems: readonly LocatedProblem[];
}

export interface RouteStatus {
  readonly name: string;
  readonly conditions: readonly Condition<"Accepted" | "ResolvedRefs">[];
}

/** A mistake, and the object in which `at` is a field: `WebSocketProxy demo/chat`, `Secret demo/chat-keys`. */
export interface LocatedProblem extends Problem {
  readonly object: string;
}

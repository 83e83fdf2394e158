import type { Condition } from "../../api/conditions.ts";
import type { Config, Endpoints } from "../../api/config.ts";
import type { Problem } from "../../api/problem.ts";
import type { WebSocketProxySpec } from "../../api/websocket-proxy.ts";

/** What a translation makes of one WebSocketProxy and the objects that it refers to. */
export interface Translation {
  /**
   * The config to put in force. Where the spec is not accepted, the one in force before with the current values of its
   * references; undefined: there is none.
   */
  readonly config: Config | undefined;
  /** The endpoints of the backends; empty where there is no config. */
  readonly endpoints: Endpoints;
  /** What the proxy's objects in a cluster are rendered from; undefined: the spec is not accepted, and they stay. */
  readonly infra: Infra | undefined;
  /** How the Service leads to the listener of the config, for the next translation; absent: there is no Service. */
  readonly service?: ServiceShape;
  /** What is put into pods with the config; absent: the config is not of mode Sidecar. */
  readonly sidecar?: SidecarShape;
  readonly status: ProxyStatus;
  /** What is accepted and may not be what the user means; for `check` and `standalone`, in no condition. */
  readonly warnings: readonly Warning[];
  /** What the user should know of a spec that is accepted as it is meant; it stands in the message of Accepted, too. */
  readonly notes: readonly Warning[];
  /** Problems for the operator's log only, since they tell readers of the status what Secrets hold; none quotes a value. */
  readonly asides: readonly LocatedProblem[];
}

/** A warning or a note, and the object in which `at` is a field. */
export type Warning = Pick<LocatedProblem, "at" | "message" | "object">;

/** What a Service says about the listener to which it leads. */
export interface ServiceShape {
  readonly type: NonNullable<WebSocketProxySpec["gateway"]>["service"]["type"];
  readonly port: number;
}

/** The shape of the data plane container that a pod of mode Sidecar gets, and which pods get it. */
export interface SidecarShape {
  readonly selector: NonNullable<WebSocketProxySpec["sidecar"]>["selector"];
  readonly listenerPort: number;
  readonly resources: Infra["resources"];
  /** Go style. */
  readonly drainPeriod: string;
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

/** The part of the status that a translation makes. Conditions: Accepted and ResolvedRefs; the others are about pods. */
export interface ProxyStatus {
  readonly conditions: readonly Condition<"Accepted" | "ResolvedRefs">[];
  readonly routes: readonly RouteStatus[];
  /** Backends with a ready endpoint, of all that the routes in force name, such as 2/3; undefined: no config is in force. */
  readonly readyBackends?: string | undefined;
  /** Every mistake by itself, in a stable order; the messages of the conditions are made from them. */
  readonly problems: readonly LocatedProblem[];
}

/** The conditions of one route. */
export interface RouteStatus {
  readonly name: string;
  readonly conditions: readonly Condition<"Accepted" | "ResolvedRefs">[];
}

/** A mistake, and the object in which `at` is a field: `WebSocketProxy demo/chat`, `Secret demo/chat-keys`. */
export interface LocatedProblem extends Problem {
  readonly object: string;
}

import { CONDITION_TYPES } from "../../api/conditions.ts";
import { list, record } from "../../api/unchecked.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { isStatus } from "../../operator/kube/api-error.ts";
import { clusterFailure } from "../live/cluster/cluster-failures.ts";
import type { ClusterTarget } from "../live/cluster/cluster-target.ts";
import { LiveFailure } from "../live/live-failure.ts";

export interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
  /** RFC 3339. */
  readonly since: string;
}

/** Limits on open sessions that all clients share. */
export interface SharedLimit {
  /** undefined: of the proxy. */
  readonly route: string | undefined;
  readonly limit: number;
}

/** A Service that routes lead to. */
export interface BackendService {
  readonly service: string;
  readonly port: string;
  readonly routes: readonly string[];
}

/** What a WebSocketProxy says of itself, with texts as they are. */
export interface ProxyFacts {
  readonly generation: number;
  /** Of the spec that the status is about; undefined: there is no status yet. */
  readonly observed: number | undefined;
  readonly mode: string;
  readonly conditions: readonly Condition[];
  /** Routes of which a condition is not True, the first MOST_ROUTES. */
  readonly routes: readonly { readonly name: string; readonly conditions: readonly Condition[] }[];
  /** SHA-256 of the config that the pods should serve. */
  readonly configHash: string | undefined;
  /** Label selector of the pods. */
  readonly selector: string | undefined;
  /** Secret of the listener's certificate. */
  readonly tlsSecret: string | undefined;
  /** Limits count over all pods. */
  readonly store: boolean;
  readonly limits: readonly SharedLimit[];
  readonly backends: readonly BackendService[];
}

/** Routes that are not well, of which a status tells. */
const MOST_ROUTES = 20;

/** Reads the WebSocketProxy. Rejects with LiveFailure: NoProxy where there is none. */
export async function proxyFacts(target: ClusterTarget, signal: AbortSignal): Promise<ProxyFacts> {
  const { client, namespace, proxy } = target;
  const path = pathOf(KINDS.WebSocketProxy, namespace, proxy);
  try {
    return factsIn(await client.request<unknown>({ path, signal }));
  } catch (error) {
    if (isStatus(error, 404)) {
      const words = `there is no WebSocketProxy ${proxy} in namespace ${namespace}; "kubectl get wsp -A" lists all`;
      throw new LiveFailure("NoProxy", words, { cause: error });
    }
    throw clusterFailure(error, { verbs: ["get"], resource: "websocketproxies", name: proxy, namespace });
  }
}

/** Reads what an API server says; fields of another form are taken as absent. */
export function factsIn(object: unknown): ProxyFacts {
  const { metadata, spec, status } = record(object);
  const [wanted, said] = [record(spec), record(status)];
  const routes = list(said["routes"]).map((one) => {
    const { name, conditions } = record(one);
    return { name: text(name), conditions: conditionsIn(conditions).filter((it) => it.status !== "True") };
  });
  const dataplane = record(said["dataplane"]);
  return {
    generation: number(record(metadata)["generation"]) ?? 0,
    observed: number(said["observedGeneration"]),
    mode: wanted["mode"] === "Sidecar" ? "Sidecar" : "Gateway",
    conditions: conditionsIn(said["conditions"]),
    routes: routes.filter(({ conditions }) => conditions.length > 0).slice(0, MOST_ROUTES),
    configHash: optional(dataplane["configHash"]),
    selector: optional(dataplane["selector"]),
    tlsSecret: optional(record(record(wanted["listener"])["tls"])["secretName"]),
    store: wanted["store"] !== undefined,
    limits: limitsIn(wanted),
    backends: backendsIn(wanted),
  };
}

function conditionsIn(value: unknown): readonly Condition[] {
  const all = list(value).map((one) => {
    const { type, status, reason, message, lastTransitionTime } = record(one);
    return {
      type: text(type),
      status: text(status),
      reason: text(reason),
      message: text(message),
      since: text(lastTransitionTime),
    };
  });
  const place = ({ type }: Condition): number => {
    const index = CONDITION_TYPES.findIndex((it) => it === type);
    return index === -1 ? CONDITION_TYPES.length : index;
  };
  return all.toSorted((one, other) => place(one) - place(other));
}

/** `connections` of a route replaces that of spec.policies. */
function limitsIn(spec: Readonly<Record<string, unknown>>): readonly SharedLimit[] {
  const usual = record(spec["policies"])["connections"];
  const found = new Map<string, SharedLimit>();
  for (const one of list(spec["routes"])) {
    const { name, policies } = record(one);
    for (const entry of list(record(policies)["connections"] ?? usual)) {
      const { per, limit: value } = record(entry);
      const limit = number(value);
      if (limit === undefined || limit <= 0 || (per !== "Route" && per !== "Proxy")) continue;
      const route = per === "Route" ? text(name) : undefined;
      // Of several limits of the proxy the lowest is reached first.
      const before = found.get(route ?? "");
      if (before === undefined || limit < before.limit) found.set(route ?? "", { route, limit });
    }
  }
  return [...found.values()];
}

/** The Services of all routes, each with its port once; in mode Sidecar a backend of the pod itself has none. */
function backendsIn(spec: Readonly<Record<string, unknown>>): readonly BackendService[] {
  const found = new Map<string, { service: string; port: string; routes: string[] }>();
  for (const one of list(spec["routes"])) {
    const { name, backends } = record(one);
    for (const backend of list(backends)) {
      const { service, port } = record(backend);
      if (typeof service !== "string" || service === "") continue;
      const words = typeof port === "number" ? String(port) : text(port);
      const key = JSON.stringify([service, words]);
      const known = found.get(key) ?? { service, port: words, routes: [] };
      if (!known.routes.includes(text(name))) known.routes.push(text(name));
      found.set(key, known);
    }
  }
  return [...found.values()];
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function optional(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

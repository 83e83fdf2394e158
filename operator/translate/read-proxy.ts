import type { AcceptedProblem } from "../../api/conditions.ts";
import { API_VERSION, KIND } from "../../api/meta.ts";
import { policiesSpec, type PoliciesSpec } from "../../api/policies/index.ts";
import { fieldPath, quoted, read } from "../../api/problem.ts";
import {
  MAX_ROUTES,
  metadata as metadataSchema,
  modeRules,
  route as routeSchema,
  specHeader,
  type RouteSpec,
  type WebSocketProxySpec,
} from "../../api/websocket-proxy.ts";
import { policyProblems } from "./policy-problems.ts";

/** A WebSocketProxy as far as it could be read. */
export interface ReadProxy {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** undefined: something outside the routes is wrong, and nothing of the spec can be put in force. */
  readonly header: WebSocketProxySpec | undefined;
  readonly mode: WebSocketProxySpec["mode"];
  /** Of the whole proxy; undefined where they cannot be read. */
  readonly policies: PoliciesSpec | undefined;
  readonly routes: readonly ReadRoute[];
  /** Of everything outside the routes. */
  readonly problems: readonly AcceptedProblem[];
}

export interface ReadRoute {
  /** The user's, or the route's place where that cannot serve as a name. */
  readonly name: string;
  /** `spec.routes[0]`. */
  readonly at: string;
  readonly spec: RouteSpec | undefined;
  readonly problems: readonly AcceptedProblem[];
}

const TOP_LEVEL = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

/** Reads a manifest part by part, so that a mistake in one leaves the others readable. */
export function readProxy(manifest: unknown): ReadProxy {
  const top = record(manifest);
  const spec = record(top["spec"]);
  const rawMetadata = record(top["metadata"]);
  const metadata = read(metadataSchema, top["metadata"], "metadata", "Invalid");
  const header = read(specHeader, top["spec"], "spec", "Invalid");
  const policies = read(policiesSpec, spec["policies"] ?? {}, "spec.policies", "Invalid");
  const problems = [
    ...topLevelProblems(top),
    ...(metadata.ok ? [] : metadata.problems),
    ...(header.ok ? [] : headerProblems(header.problems, spec)),
    ...(policies.ok ? policyProblems(policies.value, "spec.policies") : []),
  ];
  const { namespace, name, generation } = metadata.ok
    ? metadata.value
    : { namespace: shown(rawMetadata["namespace"] ?? "default"), name: shown(rawMetadata["name"]), generation: 1 };
  return {
    namespace,
    name,
    generation,
    header: header.ok && problems.length === 0 ? header.value : undefined,
    mode: spec["mode"] === "Sidecar" ? "Sidecar" : "Gateway",
    policies: policies.ok ? policies.value : undefined,
    routes: readRoutes(spec["routes"]),
    problems,
  };
}

/** A schema stops at its first layer of mistakes: rules between fields are asked for by themselves. */
function headerProblems(problems: readonly AcceptedProblem[], spec: object): AcceptedProblem[] {
  const rules = read(modeRules, spec, "spec", "Invalid");
  const more = rules.ok ? [] : rules.problems.filter(({ at }) => !problems.some((problem) => problem.at === at));
  return [...problems, ...more];
}

function topLevelProblems(top: Readonly<Record<string, unknown>>): AcceptedProblem[] {
  const problems: AcceptedProblem[] = [];
  const expect = (field: string, value: string): void => {
    if (top[field] !== value) problems.push({ reason: "Invalid", message: `must be ${value}`, at: field });
  };
  expect("apiVersion", API_VERSION);
  expect("kind", KIND);
  for (const key of Object.keys(top)) {
    if (TOP_LEVEL.has(key)) continue;
    const message = `unknown field ${quoted(key)}; remove it or correct its spelling`;
    problems.push({ reason: "Invalid", message, at: fieldPath("", [key]) });
  }
  return problems;
}

function readRoutes(routes: unknown): ReadRoute[] {
  const names = new Map<string, string>();
  return (Array.isArray(routes) ? routes.slice(0, MAX_ROUTES) : []).map((raw: unknown, index) => {
    const at = `spec.routes[${index}]`;
    const parsed = read(routeSchema, raw, at, "Invalid");
    const named = routeSchema.shape.name.safeParse(record(raw)["name"]);
    const name = named.success ? named.data : `routes[${index}]`;
    const earlier = names.get(name);
    const problems: AcceptedProblem[] = parsed.ok ? [] : [...parsed.problems];
    if (earlier === undefined) names.set(name, at);
    else
      problems.push({
        reason: "Invalid",
        message: `is the name of ${earlier} already; choose another`,
        at: `${at}.name`,
      });
    return {
      name: earlier === undefined ? name : `routes[${index}]`,
      at,
      spec: parsed.ok && problems.length === 0 ? parsed.value : undefined,
      problems,
    };
  });
}

/** A name that could not be read is shown where it is harmless to show it. */
function shown(value: unknown): string {
  return typeof value === "string" && /^[a-z0-9.-]{1,253}$/.test(value) ? value : "(unnamed)";
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

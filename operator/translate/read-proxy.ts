import type { AcceptedProblem } from "../../api/conditions.ts";
import { API_VERSION, KIND } from "../../api/meta.ts";
import { policiesSpec, type PoliciesSpec } from "../../api/policies/index.ts";
import { fieldPath, quoted, read } from "../../api/problem.ts";
import { record } from "../../api/unchecked.ts";
import {
  MAX_ROUTES,
  metadata as metadataSchema,
  LONGEST_SIDECAR_NAME,
  modeRules,
  route as routeSchema,
  sidecarName,
  specHeader,
  type RouteSpec,
  type WebSocketProxySpec,
} from "../../api/websocket-proxy.ts";
import { policyProblems } from "./policies/policy-problems.ts";
import { specExcess } from "./bounds/spec-size.ts";
import { eachOf, type Steps } from "./steps.ts";

/** A WebSocketProxy as far as it could be read. */
export interface ReadProxy {
  readonly namespace: string;
  readonly name: string;
  readonly generation: number;
  /** The spec without its routes; undefined: it has a mistake, so nothing of the spec can be put in force. */
  readonly header: WebSocketProxySpec | undefined;
  readonly mode: WebSocketProxySpec["mode"];
  /** spec.policies; undefined: they have a mistake. */
  readonly policies: PoliciesSpec | undefined;
  readonly routes: readonly ReadRoute[];
  /** Mistakes outside the routes. */
  readonly problems: readonly AcceptedProblem[];
}

/** A route as far as it could be read. */
export interface ReadRoute {
  /** The user's name for it, or `routes[<index>]` where that is missing, malformed or taken. */
  readonly name: string;
  /** `spec.routes[0]`. */
  readonly at: string;
  /** undefined: it has a mistake. */
  readonly spec: RouteSpec | undefined;
  readonly problems: readonly AcceptedProblem[];
}

const TOP_LEVEL = new Set(["apiVersion", "kind", "metadata", "spec", "status"]);

/** Reads a manifest part by part, so that a mistake in one leaves the others readable. */
export function* readProxy(manifest: unknown): Steps<ReadProxy> {
  const top = record(manifest);
  const spec = record(top["spec"]);
  const rawMetadata = record(top["metadata"]);
  const metadata = read(metadataSchema, top["metadata"], "metadata", "Invalid");
  const mode = spec["mode"] === "Sidecar" ? "Sidecar" : "Gateway";
  const named = metadata.ok
    ? metadata.value
    : {
        namespace: nameInWords(rawMetadata["namespace"] ?? "default"),
        name: nameInWords(rawMetadata["name"]),
        generation: 1,
      };
  const { namespace, name, generation } = named;
  const excess = specExcess(spec);
  if (excess !== undefined) {
    const nothing = { header: undefined, policies: undefined, routes: [] };
    return { namespace, name, generation, mode, ...nothing, problems: [excess] };
  }
  const header = read(specHeader, top["spec"], "spec", "Invalid");
  const policies = read(policiesSpec, spec["policies"] ?? {}, "spec.policies", "Invalid");
  yield;
  const problems = [
    ...topLevelProblems(top),
    ...(metadata.ok ? [] : metadata.problems),
    ...(mode === "Sidecar" ? nameProblems(name) : []),
    ...(header.ok ? [] : headerProblems(header.problems, spec)),
    ...(policies.ok ? policyProblems(policies.value, "spec.policies") : []),
  ];
  return {
    namespace,
    name,
    generation,
    header: header.ok && problems.length === 0 ? header.value : undefined,
    mode,
    policies: policies.ok ? policies.value : undefined,
    routes: yield* readRoutes(spec["routes"]),
    problems,
  };
}

/** Where a field has a mistake, a schema does not check the rules between fields: so they are checked here by themselves. */
function headerProblems(problems: readonly AcceptedProblem[], spec: object): AcceptedProblem[] {
  const rules = read(modeRules, spec, "spec", "Invalid");
  const more = rules.ok ? [] : rules.problems.filter(({ at }) => !problems.some((problem) => problem.at === at));
  return [...problems, ...more];
}

function nameProblems(name: string): AcceptedProblem[] {
  if (name.length <= LONGEST_SIDECAR_NAME) return [];
  return [{ reason: "Invalid", message: sidecarName.message, at: sidecarName.field }];
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

/** Mistakes in routes that are reported; the routes after them are not read. */
const MOST_MISTAKES = 1000;

function skipped(at: string): { readonly ok: false; readonly problems: readonly AcceptedProblem[] } {
  const message = `is not looked at: there are ${MOST_MISTAKES} mistakes before it; correct them first`;
  return { ok: false, problems: [{ reason: "TooLarge", message, at }] };
}

function readRoutes(routes: unknown): Steps<ReadRoute[]> {
  const names = new Map<string, string>();
  let mistakes = 0;
  return eachOf(Array.isArray(routes) ? routes.slice(0, MAX_ROUTES) : [], (raw: unknown, index) => {
    const at = `spec.routes[${index}]`;
    const parsed = mistakes < MOST_MISTAKES ? read(routeSchema, raw, at, "Invalid") : skipped(at);
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
    mistakes += problems.length;
    return {
      name: earlier === undefined ? name : `routes[${index}]`,
      at,
      spec: parsed.ok && problems.length === 0 ? parsed.value : undefined,
      problems,
    };
  });
}

/** A name for messages, of metadata that may have a mistake: `(unnamed)` unless it has the characters of a name. */
export function nameInWords(value: unknown): string {
  return typeof value === "string" && /^[a-z0-9.-]{1,253}$/.test(value) ? value : "(unnamed)";
}

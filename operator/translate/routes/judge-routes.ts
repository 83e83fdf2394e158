import type { AcceptedProblem } from "../../../api/conditions.ts";
import type { RouteSpec } from "../../../api/websocket-proxy.ts";
import { Claims } from "./conflicts.ts";
import { listenerPort } from "../listener.ts";
import { policyProblems } from "../policies/policy-problems.ts";
import type { ReadProxy, ReadRoute } from "../read-proxy.ts";
import type { TranslateOptions } from "../resources.ts";
import { eachOf, type Steps } from "../steps.ts";

/** A route that was judged: accepted, or the problems why not. */
export interface JudgedRoute {
  readonly name: string;
  readonly at: string;
  /** undefined: not accepted. */
  readonly spec: RouteSpec | undefined;
  readonly problems: readonly AcceptedProblem[];
  /** What the user should know of an accepted route. */
  readonly note: string | undefined;
}

/** Decides which routes are accepted: each is checked by itself and against the routes before it. */
export function judgeRoutes(proxy: ReadProxy, { adminPort }: TranslateOptions): Steps<JudgedRoute[]> {
  const claims = new Claims();
  return eachOf(proxy.routes, (route) => judge(route, proxy, adminPort, claims));
}

function judge(
  { name, at, spec, problems: read }: ReadRoute,
  proxy: ReadProxy,
  adminPort: number | undefined,
  claims: Claims,
): JudgedRoute {
  if (spec === undefined) return { name, at, spec, problems: read, note: undefined };
  const problems = [
    ...backendProblems(spec, at, proxy, adminPort),
    ...authenticationProblems(spec, at, proxy),
    ...policyProblems(spec.policies, `${at}.policies`),
  ];
  const taken = [...claims.taken(spec)].map(([host, owner]) => `${host === "*" ? "any host" : host} (route ${owner})`);
  if (claims.conflicts(spec)) {
    const { type, value } = spec.path;
    const message = `an earlier route serves the same hosts and the same path ${type} ${value}: ${taken.join(", ")}; change hostnames or path, or remove one of the two`;
    problems.push({ reason: "RouteConflict", message, at });
  }
  if (problems.length > 0) return { name, at, spec: undefined, problems, note: undefined };
  claims.enter(spec);
  const note =
    taken.length === 0 ? undefined : `Not served here, since an earlier route has them: ${taken.join(", ")}.`;
  return { name, at, spec, problems, note };
}

function backendProblems(
  { backends }: RouteSpec,
  at: string,
  proxy: ReadProxy,
  adminPort: number | undefined,
): AcceptedProblem[] {
  return backends.flatMap(({ service, port }, index) => {
    if (service !== undefined) return [];
    const problem = (field: string, message: string): AcceptedProblem[] => [
      { reason: "Invalid", message, at: `${at}.backends[${index}].${field}` },
    ];
    if (proxy.mode === "Gateway") return problem("service", "is required with mode Gateway: name a Service");
    if (typeof port === "string") return problem("port", "must be a number where no service is named");
    if (port === adminPort)
      return problem("port", "is that of the gateway's own /metrics and /sessions; choose another");
    if (proxy.header !== undefined && port === listenerPort(proxy.header)) {
      return problem("port", "is the listener's own port, so the gateway would dial itself; change one of the two");
    }
    return [];
  });
}

function authenticationProblems({ policies }: RouteSpec, at: string, proxy: ReadProxy): AcceptedProblem[] {
  if (policies.authentication !== undefined || proxy.policies === undefined) return [];
  if (proxy.policies.authentication !== undefined) return [];
  const message =
    "no authentication is in effect; name a method here or in spec.policies.authentication, or write require: None here to open the route";
  return [{ reason: "AuthenticationMissing", message, at: `${at}.policies.authentication` }];
}

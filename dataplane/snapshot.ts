import type { Config, RouteConfig } from "../api/config.ts";
import type { PolicyKind, RenderedPolicies } from "../api/policies/index.ts";
import { parseDuration } from "../api/quantities.ts";
import { routesOf } from "../api/route-settings.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Slices } from "../runtime/slices.ts";
import { AddressList } from "./address-list.ts";
import { balancer, type Balancer } from "./backend/balancer.ts";
import { BackendTlsCache } from "./backend/tls.ts";
import type { Memory } from "./memory.ts";
import type { Metrics, RouteMetrics } from "./metrics.ts";
import type { Occupancy } from "./occupancy.ts";
import type { Subjects } from "./subjects.ts";
import { compileForwarding, type CompiledForwarding } from "./policies/forwarding.ts";
import { emptyPlan, type TunnelPlan } from "./tunnel/plan.ts";
import { chain } from "./policies/index.ts";
import type { CompileContext, Enforcement, Party, Policy } from "./policies/policy.ts";
import { Router } from "./router.ts";

/** A route, ready to run. */
export interface CompiledRoute {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly path: RouteConfig["path"];
  /** The policies in effect, in the order of the chain. */
  readonly chain: readonly Enforcement[];
  readonly forwarding: CompiledForwarding;
  readonly balancer: Balancer;
  readonly tls: BackendTlsCache;
  /** For dial, TLS and the backend's 101 together, in ms. */
  readonly backendConnect: number;
  /** WWW-Authenticate of a 401. */
  readonly challenge: string;
  /** A credential may stand in the subprotocol offer: see `answerProtocol` in `upgrade.ts`. */
  readonly credentialInSubprotocol: boolean;
  readonly metrics: RouteMetrics;
  plan(party: Party): TunnelPlan;
}

/** A config in force: immutable, compiled once, taken once by each connection. */
export interface Snapshot {
  readonly config: Config;
  readonly hash: string;
  readonly router: Router<CompiledRoute>;
  readonly routes: ReadonlyMap<string, CompiledRoute>;
  readonly trusted: AddressList;
  /** For the request head, in ms: the longest of the routes, since which one it is for is not known before. */
  readonly handshakeTimeout: number;
  readonly drainPeriod: number;
}

/** What survives from one snapshot to the next, and what every snapshot uses. */
export interface CompileOptions {
  readonly memory: Memory;
  readonly occupancy: Occupancy;
  readonly subjects: Subjects;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/** Config → snapshot, in slices. Rejects where the config cannot be put in force; the caller keeps the last good one. */
export async function compile(
  config: Config,
  hash: string,
  options: CompileOptions,
  slices: Slices,
): Promise<Snapshot> {
  const proxy = `${config.proxy.namespace}/${config.proxy.name}`;
  const written = routesOf(config);
  const routes: CompiledRoute[] = [];
  for (const route of written) {
    if (slices.spent) await slices.next();
    routes.push(compileRoute(route, proxy, options));
  }
  const timeouts = written.map((route) => parseDuration(route.policies.timeouts.handshake));
  return {
    config,
    hash,
    router: new Router(routes),
    routes: new Map(routes.map((route) => [route.name, route])),
    trusted: new AddressList(config.listener.trustedProxies),
    handshakeTimeout: timeouts.length === 0 ? DEFAULT_HANDSHAKE_TIMEOUT : Math.max(...timeouts),
    drainPeriod: parseDuration(config.dataplane.drain.period),
  };
}

function compileRoute(route: RouteConfig, proxy: string, options: CompileOptions): CompiledRoute {
  const { memory, occupancy, subjects, clock, log, random } = options;
  const metrics = options.metrics.route(proxy, route.name);
  const { policies } = route;
  if (policies.authentication === undefined) {
    throw new Error(
      `route ${route.name}: policies.authentication is missing; a route that admits everybody says require: None`,
    );
  }
  const context: CompileContext = {
    route,
    policies,
    scope: (kind) => (route.ownPolicies.includes(kind) ? `route ${route.name}` : "proxy"),
    memory,
    occupancy,
    subjects,
    clock,
    log,
    metrics,
  };
  const enforcements = (Object.keys(chain) as PolicyKind[]).flatMap((kind) => compilePolicy(kind, context));
  return {
    name: route.name,
    hostnames: route.hostnames,
    path: route.path,
    chain: enforcements,
    forwarding: compileForwarding(route, memory),
    balancer: balancer(route, memory, random, clock),
    tls: memory.recall("backend tls", () => new BackendTlsCache()),
    backendConnect: parseDuration(policies.timeouts.backendConnect),
    challenge: challengeOf(policies),
    credentialInSubprotocol: acceptsSubprotocol(policies),
    metrics,
    plan(party) {
      const draft = emptyPlan();
      for (const policy of enforcements) policy.plan?.(party, draft);
      return draft;
    },
  };
}

function compilePolicy(kind: PolicyKind, context: CompileContext): Enforcement[] {
  const settings = context.policies[kind];
  if (settings === undefined) return [];
  // Indexing loses which policy it is: `satisfies` on the chain has checked that each is under its own name.
  const policy = chain[kind] as Policy<PolicyKind>;
  return [policy(settings, context)];
}

function challengeOf({ authentication }: RenderedPolicies): string {
  const bearer = authentication?.jwt !== undefined || authentication?.introspection !== undefined;
  return `${bearer ? "Bearer" : "ApiKey"} realm="wsproxy"`;
}

function acceptsSubprotocol({ authentication }: RenderedPolicies): boolean {
  const methods = [authentication?.apiKey, authentication?.jwt, authentication?.introspection];
  return methods.some((method) => method?.from.some((place) => place.subprotocol !== undefined) ?? false);
}

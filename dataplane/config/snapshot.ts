import type { Config, RouteConfig } from "../../api/config.ts";
import { placesOf } from "../../api/policies/authentication.ts";
import type { PolicyKind, RenderedPolicies } from "../../api/policies/index.ts";
import { parseDuration } from "../../api/quantities.ts";
import { routesOf } from "../../api/route-settings.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Slices } from "../../runtime/loop/slices.ts";
import { AddressList } from "../address-list.ts";
import { balancer, type Balancer } from "../backend/balancer.ts";
import { BackendTlsCache } from "../backend/tls.ts";
import type { Memory } from "../memory.ts";
import type { Metrics, RouteMetrics } from "../metrics.ts";
import type { Occupancy } from "../limits/occupancy.ts";
import type { SharedLimits } from "../limits/shared-limits.ts";
import type { Subjects } from "../limits/subjects.ts";
import { compileForwarding, type CompiledForwarding } from "../policies/forwarding.ts";
import { emptyPlan, type TunnelPlan } from "../tunnel/plan.ts";
import { chain } from "../policies/index.ts";
import type { CompileContext, PolicySteps, Party, PolicyCompiler } from "../policy.ts";
import { Router } from "./router.ts";
import { countedKinds, needsStore } from "./store-needs.ts";

/** A route, ready to run. */
export interface CompiledRoute {
  readonly name: string;
  readonly hostnames: readonly string[];
  readonly path: RouteConfig["path"];
  /** The policies in effect, in the order of the chain. */
  readonly chain: readonly PolicySteps[];
  /** The policies of the chain, with what they were compiled from. */
  readonly parts: ReadonlyMap<PolicyKind, CompiledPolicy>;
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
  /** Counts over all pods; undefined: each pod counts for itself. */
  readonly shared: SharedLimits | undefined;
  /** The first policy with a limit that counts over all pods and acts; undefined: the route needs no store. */
  readonly needsStore: PolicyKind | undefined;
  plan(party: Party): TunnelPlan;
}

/** A config in force: immutable, compiled once, taken once by each connection. */
export interface Snapshot {
  readonly config: Config;
  /** undefined: the config was removed, and this one without a route stands in its place. */
  readonly hash: string | undefined;
  readonly router: Router<CompiledRoute>;
  readonly routes: ReadonlyMap<string, CompiledRoute>;
  readonly trusted: AddressList;
  /** For the request head, in ms: the longest of the routes, since which one it is for is not known before. */
  readonly handshakeTimeout: number;
  readonly drainPeriod: number;
  /** The kinds of keys of the occupancy that limits on open sessions count. */
  readonly counted: ReadonlySet<string>;
  readonly log: Log;
}

/** What survives from one snapshot to the next, and what every snapshot uses. */
export interface CompileOptions {
  readonly memory: Memory;
  readonly occupancy: Occupancy;
  readonly subjects: Subjects;
  readonly shared: SharedLimits | undefined;
  readonly descriptors: CompileContext["descriptors"];
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
}

const DEFAULT_HANDSHAKE_TIMEOUT = 10_000;

/**
 * Config → snapshot, in slices. What is as it is in the snapshot `before`, which is in force, is not compiled again.
 * Rejects where the config cannot be put in force; the caller keeps the last good one.
 */
export async function compile(
  config: Config,
  hash: string | undefined,
  options: CompileOptions,
  slices: Slices,
  before?: Snapshot,
): Promise<Snapshot> {
  const proxy = `${config.proxy.namespace}/${config.proxy.name}`;
  const written = routesOf(config);
  const routes: CompiledRoute[] = [];
  for (const route of written) {
    if (slices.spent) await slices.next();
    routes.push(compileRoute(route, proxy, options, before?.routes.get(route.name)));
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
    counted: countedKinds(written),
    log: options.log,
  };
}

function compileRoute(
  route: RouteConfig,
  proxy: string,
  options: CompileOptions,
  before: CompiledRoute | undefined,
): CompiledRoute {
  const { memory, occupancy, subjects, shared, descriptors, clock, log, random } = options;
  const metrics = options.metrics.route(proxy, route.name);
  const { policies } = route;
  if (policies.authentication === undefined) {
    throw new Error(
      `route ${route.name}: policies.authentication is missing; a route that admits every client says require: None`,
    );
  }
  const context: CompileContext = {
    route: { name: route.name },
    shadow: policies.enforcement === "Shadow",
    scope: scopeIn(route.name, route.ownPolicies),
    memory,
    occupancy,
    subjects,
    shared,
    descriptors,
    clock,
    log,
    metrics,
  };
  const parts = new Map<PolicyKind, CompiledPolicy>();
  for (const kind of Object.keys(chain) as PolicyKind[]) {
    const part = compilePolicy(kind, policies[kind], context, before?.parts.get(kind));
    if (part !== undefined) parts.set(kind, part);
  }
  const steps = [...parts.values()].map((part) => part.steps);
  return {
    name: route.name,
    hostnames: route.hostnames,
    path: route.path,
    chain: steps,
    parts,
    forwarding: compileForwarding(route, memory),
    balancer: balancer(route, memory, random, clock),
    tls: memory.recall("backend tls", () => new BackendTlsCache()),
    backendConnect: parseDuration(policies.timeouts.backendConnect),
    challenge: challengeOf(policies),
    credentialInSubprotocol: acceptsSubprotocol(policies),
    metrics,
    shared,
    needsStore: shared === undefined ? undefined : needsStore(policies),
    plan(party) {
      const draft = emptyPlan();
      for (const policy of steps) policy.plan?.(party, draft);
      return draft;
    },
  };
}

/** A compiled policy of a route, with all that it was compiled from: as long as that is the same, it is not compiled again. */
interface CompiledPolicy {
  readonly steps: PolicySteps;
  readonly settings: unknown;
  readonly scope: string;
  readonly shadow: boolean;
  readonly shared: SharedLimits | undefined;
  readonly log: Log;
  /** Keys of the memory that it recalled. */
  readonly keys: readonly string[];
}

const INPUTS = ["settings", "scope", "shadow", "shared", "log"] as const;

function compilePolicy(
  kind: PolicyKind,
  settings: RenderedPolicies[PolicyKind],
  context: CompileContext,
  before: CompiledPolicy | undefined,
): CompiledPolicy | undefined {
  if (settings === undefined) return undefined;
  const { memory, log, shadow, shared } = context;
  const inputs = { settings, scope: context.scope(kind), shadow, shared, log };
  if (before !== undefined && INPUTS.every((name) => before[name] === inputs[name])) {
    memory.keep(before.keys);
    return before;
  }
  // Indexing loses which policy it is: `satisfies` on the chain has checked that each is under its own name.
  const compiler = chain[kind] as PolicyCompiler<PolicyKind>;
  const { value: steps, keys } = memory.recorded(() => compiler(settings, context));
  return { ...inputs, steps, keys };
}

function scopeIn(route: string, own: readonly string[]): CompileContext["scope"] {
  return (kind) => (own.includes(kind) ? `route ${route}` : "proxy");
}

function challengeOf({ authentication }: RenderedPolicies): string {
  const bearer = authentication?.jwt !== undefined || authentication?.introspection !== undefined;
  return `${bearer ? "Bearer" : "ApiKey"} realm="wsproxy"`;
}

function acceptsSubprotocol({ authentication }: RenderedPolicies): boolean {
  return placesOf(authentication).some(({ subprotocol }) => subprotocol !== undefined);
}

import type { PolicyKind } from "../../api/policies/index.ts";
import type { RouteConfig } from "../../api/config.ts";
import { routesOf } from "../../api/route-settings.ts";
import { addressSubject } from "../../dataplane/addresses.ts";
import type { Handshake } from "../../dataplane/opening-handshake.ts";
import { ANYONE, type Identity } from "../../dataplane/identity.ts";
import { Memory } from "../../dataplane/memory.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import { Occupancy } from "../../dataplane/limits/occupancy.ts";
import { chain } from "../../dataplane/policies/index.ts";
import type { CompileContext, PolicySteps, Party, PolicyCompiler } from "../../dataplane/policy.ts";
import type { SharedLimits } from "../../dataplane/limits/shared-limits.ts";
import { Subjects } from "../../dataplane/limits/subjects.ts";
import type { CompileOptions } from "../../dataplane/config/snapshot.ts";
import type { Log } from "../../runtime/log.ts";
import { FakeClock } from "./clock.ts";
import { configOf } from "./config.ts";

/** What limits are compiled with; time stands until `clock` is moved. */
export class PolicyBench {
  readonly clock = new FakeClock();
  readonly memory = new Memory();
  readonly occupancy = new Occupancy();
  readonly subjects = new Subjects();
  shared: SharedLimits | undefined;
  readonly descriptors = { ask: () => () => {} };
  readonly metrics = new Metrics();
  readonly logged: object[] = [];

  /** One policy of one route; in force at once unless `commit` is false. */
  compile(
    kind: PolicyKind,
    settings: unknown,
    { route = "main", own = true, shadow = false, commit = true } = {},
  ): PolicySteps {
    const policies = { [kind]: settings, enforcement: shadow ? "Shadow" : "Enforce" };
    const [config] = routesOf(configOf({ routes: [{ name: route, policies, ownPolicies: own ? [kind] : [] }] }));
    if (config === undefined) throw new Error("no route");
    const compiled = (chain[kind] as PolicyCompiler<PolicyKind>)(config.policies[kind] as never, this.#context(config));
    if (commit) this.memory.commit();
    return compiled;
  }

  /** What whole configs are compiled with. */
  get compileOptions(): CompileOptions {
    const { memory, occupancy, subjects, descriptors, metrics, clock } = this;
    const own = { memory, occupancy, subjects, descriptors, metrics, clock };
    return { ...own, shared: this.shared, log: this.#log(), random: () => 0 };
  }

  #log(): Log {
    const line = (fields: object, message: string): void => void this.logged.push({ ...fields, message });
    return { debug: line, info: line, warn: line, error: line };
  }

  #context(route: RouteConfig): CompileContext {
    const { clock, memory, occupancy, subjects, descriptors } = this;
    const log = this.#log();
    const metrics = this.metrics.route("test/proxy", route.name);
    const { name, ownPolicies, policies } = route;
    const scope = (kind: PolicyKind): string => (ownPolicies.includes(kind) ? `route ${name}` : "proxy");
    const shadow = policies.enforcement === "Shadow";
    const own = { memory, occupancy, subjects, shared: this.shared, descriptors, clock };
    return { ...own, route: { name }, shadow, scope, log, metrics };
  }

  /** Hits of all limits, by the value of a label. */
  async hits(labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const metric = (await this.metrics.registry.getMetricsAsJSON()).find(
      ({ name }) => name === "wsproxy_limit_hits_total",
    );
    const fits = (sample: { labels: object }): boolean =>
      Object.entries(labels).every(([label, value]) => (sample.labels as Record<string, unknown>)[label] === value);
    return (metric?.values ?? []).filter(fits).reduce((sum, { value }) => sum + value, 0);
  }
}

/** A compiled policy with these steps, and no others. */
export function stepsOf(steps: Omit<PolicySteps, "kind">, kind: PolicyKind = "authentication"): PolicySteps {
  return { kind, ...steps };
}

/** A handshake of which only the address counts. */
export function handshakeFrom(address = "192.0.2.1", requestId = "request-1"): Handshake {
  return { requestId, address, addressSubject: addressSubject(address), headers: [] } as unknown as Handshake;
}

export function clientNamed(client?: string): Identity {
  return client === undefined
    ? ANYONE
    : { client, claims: {}, proofs: [{ method: "apiKey", client, digest: "digest" }] };
}

export function partyOf(client?: string, address = "192.0.2.1"): Party {
  return {
    requestId: "request-1",
    identity: clientNamed(client),
    address,
    addressSubject: addressSubject(address),
    openedAt: 0,
    memory: new Memory(),
  };
}

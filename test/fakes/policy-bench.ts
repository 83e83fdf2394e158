import type { PolicyKind } from "../../api/policies/index.ts";
import type { RouteConfig } from "../../api/config.ts";
import { routesOf } from "../../api/route-settings.ts";
import { addressSubject } from "../../dataplane/addresses.ts";
import type { Handshake } from "../../dataplane/opening-handshake.ts";
import { ANYONE, type Identity } from "../../dataplane/identity.ts";
import { Memory } from "../../dataplane/memory.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import { giveBack, reserve } from "../../dataplane/handshake/reserve.ts";
import { Turns } from "../../runtime/loop/turns.ts";
import { keysOf, Occupancy } from "../../dataplane/limits/occupancy.ts";
import { chain } from "../../dataplane/policies/index.ts";
import type { CompileContext, PolicySteps, Party, PolicyCompiler, Reservation } from "../../dataplane/policy.ts";
import { Subjects } from "../../dataplane/limits/subjects.ts";
import type { CompileOptions } from "../../dataplane/config/snapshot.ts";
import type { Log } from "../../runtime/log.ts";
import type { Refusal } from "../../dataplane/rejection.ts";
import { FakeClock } from "./clock.ts";
import { configOf } from "./config.ts";
import { FakeStore, StoreTruth } from "./shared-limits.ts";

/** What limits are compiled with; time stands until `clock` is moved. */
export class PolicyBench {
  readonly clock: FakeClock;
  readonly memory = new Memory();
  readonly occupancy = new Occupancy();
  readonly subjects = new Subjects();
  /** Counts over all pods; undefined: each pod counts for itself. */
  readonly store: FakeStore | undefined;
  readonly descriptors = { ask: () => () => {} };
  readonly metrics = new Metrics();
  readonly logged: object[] = [];

  /** `truth`: what a store knows of all pods; each bench that is given it is one of them. */
  constructor({
    truth,
    clock = truth?.clock ?? new FakeClock(),
  }: { truth?: StoreTruth | undefined; clock?: FakeClock } = {}) {
    this.clock = clock;
    this.store = truth && new FakeStore(truth, this.occupancy);
    this.store?.needs(new Set(["proxy", "client", "ip", ...["main", "a", "b"].flatMap(kindsOf)]));
  }

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
    return { ...own, shared: this.store, log: this.#log(), random: () => 0 };
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
    const own = { memory, occupancy, subjects, shared: this.store, descriptors, clock };
    return { ...own, route: { name }, shadow, scope, log, metrics };
  }

  /** One handshake that proves its client, as far as limits on handshakes have a part in it. */
  async attempt(policy: PolicySteps, client?: string, address?: string): Promise<Refusal | undefined> {
    const [handshake, identity] = [handshakeFrom(address), clientNamed(client)];
    return (
      (await this.screen(policy, address)) ??
      policy.admit?.(handshake, identity) ??
      (await this.#reserved(policy, policy.admitShared?.(handshake, identity)))
    );
  }

  /** The part of it before its client is proven. */
  async screen(policy: PolicySteps, address?: string): Promise<Refusal | undefined> {
    const handshake = handshakeFrom(address);
    return policy.screen?.(handshake) ?? (await this.#reserved(policy, policy.screenShared?.(handshake)));
  }

  /** Tries to open a session; the function that closes it, or why not. */
  async open(policy: PolicySteps, client?: string, address?: string, route = "main"): Promise<(() => void) | Refusal> {
    const [handshake, identity] = [handshakeFrom(address), clientNamed(client)];
    const refusal = policy.admit?.(handshake, identity);
    if (refusal !== undefined) return refusal;
    const wanted = policy.admitShared?.(handshake, identity);
    const leave = this.occupancy.enter(route, identity, handshake);
    const counted = this.store?.needed(keysOf(route, identity, handshake)) ?? [];
    const late = await this.#reserved(policy, wanted, counted);
    if (late === undefined) return () => giveBack(leave(), this.store, true);
    leave();
    return late;
  }

  async #reserved(
    { kind }: PolicySteps,
    wanted: Reservation | undefined,
    counted: readonly string[] = [],
  ): Promise<Refusal | undefined> {
    if (this.store === undefined || wanted === undefined) return undefined;
    const asking = { clock: this.clock, shared: this.store, turns: new Turns(1) };
    const { refusal } = await reserve([{ ...wanted, kind }], counted, asking);
    if (refusal === undefined) return undefined;
    const told = Object.entries(refusal).filter(([name]) => name !== "policy");
    return Object.fromEntries(told) as unknown as Refusal;
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

function kindsOf(route: string): string[] {
  return [`route ${route}`, `client in ${route}`, `ip in ${route}`];
}

/** Limits on handshakes promise the same to a single pod, whether it counts by itself or in a store. */
export const COUNTED = [
  { counted: "in the pod", pod: () => new PolicyBench() },
  { counted: "in a store", pod: () => new PolicyBench({ truth: new StoreTruth(new FakeClock()) }) },
];

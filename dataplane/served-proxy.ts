import type { Socket } from "node:net";
import type { Config, Endpoints } from "../api/config.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Fields, Log } from "../runtime/log.ts";
import { canonicalAddress } from "../runtime/canonical-address.ts";
import type { Slices } from "../runtime/loop/slices.ts";
import { Spread } from "../runtime/loop/spread.ts";
import { Turns } from "../runtime/loop/turns.ts";
import { accessLine, accessLog, auditLine, type AuditEvent } from "./access-log.ts";
import { Attempt } from "./handshake/attempt.ts";
import { Timeline } from "./debug/timeline.ts";
import type { Dialled } from "./backend/backend.ts";
import { EndpointListing } from "./backend/endpoint-listing.ts";
import { listEndpoints } from "./backend/list-endpoints.ts";
import { EarlyBytes } from "./handshake/early-bytes.ts";
import type { Handshake } from "./opening-handshake.ts";
import type { Client } from "./arrival.ts";
import { Memory } from "./memory.ts";
import { Occupancy } from "./limits/occupancy.ts";
import type { SharedLimits } from "./limits/shared-limits.ts";
import { StoreInForce } from "./limits/store-in-force.ts";
import type { Refusal } from "./rejection.ts";
import type { ProcessResources } from "./process-resources.ts";
import { ProxyEnd } from "./session/proxy-end.ts";
import { Reviewing } from "./session/reviewing.ts";
import type { HandshakeContext, SessionFacts } from "./handshake/context.ts";
import { openSession } from "./session/open-session.ts";
import type { Session } from "./session/session.ts";
import { compile, type CompiledRoute, type Snapshot } from "./config/snapshot.ts";

/** Handshakes of one proxy that ask its store at the same time. */
const MOST_ASKING = 64;

/** One WebSocketProxy in service: its config in force, its handshakes under way, its sessions; not its listener. */
export class ServedProxy implements HandshakeContext {
  /** `<namespace>/<name>`: the metric label. */
  readonly name: string;
  readonly clock: Clock;
  readonly occupancy = new Occupancy();
  readonly sessions = new Set<Session>();
  /** The turns of backends' answers. */
  readonly answers: Spread;
  readonly turns = new Turns(MOST_ASKING);
  readonly #store: StoreInForce;
  readonly #attempts = new Set<Attempt>();
  readonly #early: EarlyBytes;
  readonly #reviewing: Reviewing;
  readonly #end: ProxyEnd;
  readonly #resources: ProcessResources;
  readonly #timeline: Timeline;
  readonly #memory = new Memory();
  #snapshot: Snapshot | undefined;
  #endpointsHash: string | undefined;
  #log: Log;

  constructor(name: string, resources: ProcessResources) {
    this.name = name;
    this.clock = resources.clock;
    this.answers = new Spread(this.clock);
    this.#store = new StoreInForce(() => resources.store(name, this.occupancy));
    this.#resources = resources;
    this.#early = new EarlyBytes(this.#attempts, resources.budget);
    this.#log = accessLog(resources.log, name, "All", resources.watching);
    this.#timeline = new Timeline(name, resources.watching);
    this.#reviewing = new Reviewing({
      attempts: this.#attempts,
      sessions: this.sessions,
      route: (route) => this.route(route),
      log: () => this.#log,
      dropped: () => resources.metrics.configDropped(name),
    });
    this.#end = new ProxyEnd({
      attempts: this.#attempts,
      sessions: this.sessions,
      hasRoute: ({ route }) => this.route(route) !== undefined,
      drainPeriod: () => this.#snapshot?.drainPeriod ?? 0,
      clock: resources.clock,
      random: resources.random,
      draining: (sessions) => resources.metrics.draining(name, sessions),
    });
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Its config was in force and is gone: it has no route until a config comes. */
  get configRemoved(): boolean {
    return this.#snapshot !== undefined && this.#snapshot.hash === undefined;
  }

  /** A trace of frames may show payload. */
  get showsPayload(): boolean {
    return !this.configRemoved && this.#snapshot?.config.dataplane.debug?.payload === "Allowed";
  }

  /** Writes into its log what a person does at the admin port. */
  audit(event: AuditEvent, fields: Fields): void {
    auditLine(this.#log, event, fields);
  }

  /** Which endpoints sessions go to. */
  get endpointsHash(): string | undefined {
    return this.#endpointsHash;
  }

  get shared(): SharedLimits | undefined {
    return this.#store.shared;
  }

  /** Its limits count as its config says; or over this process only, since its store did not answer when it started. */
  get countsSettled(): boolean {
    return this.#store.settled;
  }

  /** The proxy stops: a handshake that would be answered now is refused. */
  get draining(): boolean {
    return this.#end.begun;
  }

  get stopping(): boolean {
    return this.#resources.stopping();
  }

  get ownPort(): (port: number) => string | undefined {
    return this.#resources.ownPort;
  }

  /** The route in force of that name; undefined: there is none any more. */
  route(name: string): CompiledRoute | undefined {
    return this.#snapshot?.routes.get(name);
  }

  /** The route in force of the same name, where it still matches the handshake; else the route that was found. */
  newest(found: CompiledRoute, { host, path }: Handshake): CompiledRoute {
    const now = this.#snapshot?.router.find(host, path);
    return now?.name === found.name ? now : found;
  }

  get attempts(): number {
    return this.#attempts.size;
  }

  /** Config → snapshot, not in force yet: `commit` or `rollback` must follow, and until then no other may be prepared. */
  async prepare(config: Config, hash: string | undefined, endpoints: Endpoints, slices: Slices): Promise<Snapshot> {
    try {
      const { clock, metrics, random, subjects, descriptors } = this.#resources;
      const options = {
        memory: this.#memory,
        occupancy: this.occupancy,
        subjects,
        shared: this.#store.prepare(config.store),
        descriptors,
        metrics,
        clock,
        log: this.#logFor(config),
        random,
      };
      const snapshot = await compile(config, hash, options, slices, this.#snapshot);
      const listing = new EndpointListing(endpoints);
      await listEndpoints(snapshot.routes.values(), listing, slices);
      this.#memory.onCommit(() => this.#tellDials(listing));
      return snapshot;
    } catch (fault) {
      this.rollback();
      throw fault;
    }
  }

  rollback(): void {
    this.#memory.rollback();
    this.#store.rollback();
  }

  /** Puts a snapshot in force: from now on it holds for handshakes that begin. `review` must follow. */
  commit(snapshot: Snapshot, endpointsHash: string | undefined): void {
    this.#memory.commit();
    this.#snapshot = snapshot;
    this.#store.commit(snapshot.config.store, snapshot.counted);
    this.#endpointsHash = endpointsHash;
    this.#log = snapshot.log;
    const { metrics, clock, descriptors } = this.#resources;
    const { proxy, dataplane } = snapshot.config;
    const limit = Math.min(dataplane.maxConnections, descriptors.sessions);
    if (snapshot.hash === undefined) metrics.configRemoved(this.name);
    else metrics.configApplied(this.name, proxy.generation, limit, clock.wall());
    if (!this.showsPayload) this.#resources.frames.hidePayload(this.name);
  }

  /**
   * Its config is gone: without a route it refuses every handshake, and its sessions end as those of removed routes do.
   * Nothing that the config knew of keys and credentials is kept.
   */
  async removeConfig(slices: Slices): Promise<void> {
    if (this.#snapshot === undefined || this.configRemoved) return;
    const config = { ...this.#snapshot.config, store: undefined, policies: {}, routes: [] };
    this.commit(await this.prepare(config, undefined, { version: 1, backends: {} }, slices), undefined);
    await this.review(slices);
  }

  /**
   * Applies the config in force to every handshake under way and to every session, in slices. Those that begin meanwhile
   * have it from the start.
   */
  async review(slices: Slices): Promise<void> {
    this.#end.routeRemoved(await this.#reviewing.all(slices));
  }

  /** Dials go by the config that was in force when they began, and to endpoints that are there now. */
  #tellDials(listing: EndpointListing): void {
    const dialling = new Set([...this.#attempts].flatMap(({ balancer }) => balancer ?? []));
    for (const balancer of dialling) balancer.follow(listing);
  }

  async setEndpoints(endpoints: Endpoints, hash: string, slices: Slices): Promise<void> {
    const listing = new EndpointListing(endpoints);
    await listEndpoints(this.#snapshot?.routes.values() ?? [], listing, slices);
    this.#endpointsHash = hash;
    this.#tellDials(listing);
  }

  /** A client's handshake begins; `method` as far as it is known, `early`: how many bytes came behind its head. */
  begin(socket: Socket, method = "", early = 0): Attempt {
    const { clock, metrics, descriptors, watching } = this.#resources;
    const release = descriptors.dial();
    const attempt: Attempt = new Attempt(socket, {
      early,
      bodiless: method === "HEAD",
      clock,
      log: () => this.#log,
      metrics: metrics.route(this.name, ""),
      asking: this,
      trace: watching.trace(),
      ended: () => {
        release();
        this.#attempts.delete(attempt);
      },
    });
    this.#attempts.add(attempt);
    this.#early.begun();
    return attempt;
  }

  /** A client's TLS handshake failed; it gets no answer. */
  tlsFailed(address: string, cause: string): void {
    accessLine(this.#log, "TlsFailed", { address: canonicalAddress(address), cause });
  }

  /** Refuses where the pod has as many sessions and handshakes as it may, or its buffers are near their budget. */
  overload(): Refusal | undefined {
    if (this.#resources.budget.near) return { reason: "Overloaded", retryAfter: 5, cause: "buffer budget" };
    const most = this.#snapshot?.config.dataplane.maxConnections ?? 0;
    if (this.sessions.size + this.#attempts.size > most) return { reason: "Overloaded", retryAfter: 5 };
    return this.#resources.descriptors.shortage();
  }

  /** The client's 101 has been written: a session begins. `route` is the one in force. */
  open(facts: SessionFacts, route: CompiledRoute, client: Client, backend: Dialled, release: () => void): void {
    const accepted = { proxy: this.name, facts, route, client, backend, release };
    const session = openSession(accepted, this.sessions, this.#log, this.#resources, this.#timeline);
    this.#reviewing.one(route, session);
  }

  /** Resolves when each session that was told to end before has its Close frames on the way, or has ended by itself. */
  told(): Promise<void> {
    return new Promise((done) => this.#resources.ends.run(done));
  }

  /**
   * From now on handshakes are refused, and the sessions are closed over the drain period. Resolves when none is left, and
   * the store knows.
   */
  async drain(abort: AbortSignal): Promise<void> {
    await this.#end.drain(abort);
    if (!abort.aborted) await this.#store.close();
  }

  /** The proxy was removed: its sessions end as those of a removed route do. Resolves when none is left. */
  async retire(): Promise<void> {
    await this.#end.retire();
    await this.#store.close();
    this.#memory.clear();
  }

  /** Ends everything at once. Resolves when the store knows. */
  async destroy(): Promise<void> {
    this.#end.destroy();
    await this.#store.close();
  }

  /** The log in use, as long as `log.access` is the same: policies that were compiled with it are not compiled again. */
  #logFor({ dataplane }: Config): Log {
    const { access } = dataplane.log;
    if (this.#snapshot?.config.dataplane.log.access === access) return this.#snapshot.log;
    return accessLog(this.#resources.log, this.name, access, this.#resources.watching);
  }
}

import type { Socket } from "node:net";
import type { Config, Endpoints } from "../api/config.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { pause } from "../runtime/loop/pause.ts";
import type { Slices } from "../runtime/loop/slices.ts";
import { Spread } from "../runtime/loop/spread.ts";
import { accessLog } from "./access-log.ts";
import { Attempt } from "./handshake/attempt.ts";
import type { Dialled } from "./backend/backend.ts";
import { EndpointListing } from "./backend/endpoint-listing.ts";
import { listEndpoints } from "./backend/list-endpoints.ts";
import type { BufferBudget } from "./process/buffer-budget.ts";
import type { LoopShare } from "../runtime/loop/loop-share.ts";
import type { ReadPath } from "./tunnel/byte-source.ts";
import type { Descriptors } from "./process/descriptors.ts";
import { closeSpread } from "./session/drain.ts";
import { EarlyBytes } from "./handshake/early-bytes.ts";
import type { Handshake } from "./opening-handshake.ts";
import type { Client } from "./arrival.ts";
import { Memory } from "./memory.ts";
import type { Metrics } from "./metrics.ts";
import { Occupancy } from "./limits/occupancy.ts";
import type { Refusal } from "./rejection.ts";
import { Reviewing } from "./session/reviewing.ts";
import type { HandshakeContext, SessionFacts } from "./handshake/context.ts";
import { Session } from "./session/session.ts";
import type { Subjects } from "./limits/subjects.ts";
import { compile, type CompiledRoute, type Snapshot } from "./config/snapshot.ts";
import { tunnel } from "./tunnel/tunnel.ts";

/** What all proxies of a process share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How sockets are read after their handshakes. */
  readonly reads: ReadPath;
  /** Memory for what their receivers have not taken. */
  readonly budget: BufferBudget;
  /** What carrying messages may take of the event loop. */
  readonly loop: LoopShare;
  readonly random: () => number;
  /** What the limits remember, over all of them. */
  readonly subjects: Subjects;
  /** What sockets may have of the process's file descriptors. */
  readonly descriptors: Descriptors;
  /** The ends of sessions: thousands may come at once. */
  readonly ends: Spread;
}

/** Sessions of removed routes are told within this time, in ms. */
const REMOVAL_PERIOD = 5000;

/** One WebSocketProxy in service: its config in force, its handshakes under way, its sessions. The listener is beside it. */
export class ServedProxy implements HandshakeContext {
  /** `<namespace>/<name>`: the metric label. */
  readonly name: string;
  readonly clock: Clock;
  readonly occupancy = new Occupancy();
  readonly sessions = new Set<Session>();
  /** The turns of backends' answers. */
  readonly answers: Spread;
  readonly #attempts = new Set<Attempt>();
  readonly #early: EarlyBytes;
  readonly #reviewing: Reviewing;
  readonly #surroundings: Surroundings;
  readonly #memory = new Memory();
  readonly #stop = new AbortController();
  #snapshot: Snapshot | undefined;
  #endpointsHash: string | undefined;
  #log: Log;
  #draining = false;

  constructor(name: string, surroundings: Surroundings) {
    this.name = name;
    this.clock = surroundings.clock;
    this.answers = new Spread(this.clock);
    this.#surroundings = surroundings;
    this.#early = new EarlyBytes(this.#attempts, surroundings.budget);
    this.#log = accessLog(surroundings.log, name, "All");
    this.#reviewing = new Reviewing({
      attempts: this.#attempts,
      sessions: this.sessions,
      route: (route) => this.route(route),
      log: () => this.#log,
      dropped: () => surroundings.metrics.configDropped(name),
    });
  }

  get snapshot(): Snapshot | undefined {
    return this.#snapshot;
  }

  /** Which endpoints sessions go to. */
  get endpointsHash(): string | undefined {
    return this.#endpointsHash;
  }

  /** Handshakes that are answered from now on are refused. */
  get draining(): boolean {
    return this.#draining;
  }

  /** A route as it is now; undefined: there is none of that name any more. */
  route(name: string): CompiledRoute | undefined {
    return this.#snapshot?.routes.get(name);
  }

  /** The newest version of a route that a handshake was found to be for: its own, where the newest is not for it. */
  newest(found: CompiledRoute, { host, path }: Handshake): CompiledRoute {
    const now = this.#snapshot?.router.find(host, path);
    return now?.name === found.name ? now : found;
  }

  get attempts(): number {
    return this.#attempts.size;
  }

  /** Config → snapshot, not in force yet: `commit` or `rollback` must follow, and until then no other may be prepared. */
  async prepare(config: Config, hash: string, endpoints: Endpoints, slices: Slices): Promise<Snapshot> {
    try {
      const { clock, metrics, random, subjects, descriptors } = this.#surroundings;
      const options = {
        memory: this.#memory,
        occupancy: this.occupancy,
        subjects,
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
  }

  /** Puts a snapshot in force: from now on it holds for handshakes that begin. `review` must follow. */
  commit(snapshot: Snapshot, endpointsHash: string): void {
    this.#memory.commit();
    this.#snapshot = snapshot;
    this.#endpointsHash = endpointsHash;
    this.#log = snapshot.log;
    const { metrics, clock, descriptors } = this.#surroundings;
    const { proxy, dataplane } = snapshot.config;
    const limit = Math.min(dataplane.maxConnections, descriptors.sessions);
    metrics.configApplied(this.name, proxy.generation, limit, clock.wall());
  }

  /**
   * Looks at every handshake under way and at every session again, in slices, and holds each to what is in force at its
   * turn. Those that come meanwhile are held to it from their first moment.
   */
  async review(slices: Slices): Promise<void> {
    const orphans = await this.#reviewing.all(slices);
    if (orphans.length === 0) return;
    const { clock, random } = this.#surroundings;
    const period = Math.min(REMOVAL_PERIOD, this.#snapshot?.drainPeriod ?? 0, orphans.length * 10);
    void closeSpread(orphans, { reason: "RouteRemoved" }, period, { clock, random, abort: this.#stop.signal });
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

  /** A client's handshake begins; `method` as far as it is known, `head`: how many bytes came behind it. */
  begin(socket: Socket, method = "", head = 0): Attempt {
    const { clock, metrics, descriptors } = this.#surroundings;
    const release = descriptors.dial();
    const attempt: Attempt = new Attempt(socket, {
      head,
      bodiless: method === "HEAD",
      clock,
      log: () => this.#log,
      metrics: metrics.route(this.name, ""),
      ended: () => {
        release();
        this.#attempts.delete(attempt);
      },
    });
    this.#attempts.add(attempt);
    this.#early.begun();
    return attempt;
  }

  /** Refuses where the pod has as many sessions and handshakes as it may, or its buffers are near their budget. */
  overload(): Refusal | undefined {
    if (this.#surroundings.budget.near) return { reason: "Overloaded", retryAfter: 5, detail: "buffer budget" };
    const most = this.#snapshot?.config.dataplane.maxConnections ?? 0;
    if (this.sessions.size + this.#attempts.size > most) return { reason: "Overloaded", retryAfter: 5 };
    return this.#surroundings.descriptors.shortage();
  }

  /** The client's 101 has been written: a session begins. `route` is the one in force. */
  open(facts: SessionFacts, route: CompiledRoute, client: Client, backend: Dialled, release: () => void): void {
    const { clock, random, reads, budget, loop, descriptors, ends } = this.#surroundings;
    const hungUp = descriptors.dial();
    const { metrics } = route; // and not the route, which the session would keep as long as it lives
    const session = new Session(facts, route, clock, this.#log);
    this.sessions.add(session);
    try {
      session.opened(
        tunnel({
          client: { socket: client.socket, early: client.head },
          backend: { socket: backend.socket, early: backend.head },
          reads,
          budget,
          loop,
          plan: route.plan(session),
          clock,
          deflate: backend.extensions !== undefined,
          counts: session,
          random,
          turns: (task) => ends.run(task),
          over: release, // a client that comes back at once finds a place, however long the other end takes to hang up
          closed: (end) => {
            hungUp();
            this.sessions.delete(session);
            session.closed(end);
          },
          slowConsumer: () => metrics.slowConsumer(),
        }),
      );
    } catch (fault) {
      // Without a tunnel nothing would ever tell that the session has ended.
      hungUp();
      this.sessions.delete(session);
      backend.socket.destroy();
      release();
      throw fault;
    }
    this.#reviewing.one(route, session);
  }

  /** From now on handshakes are refused, and the sessions are closed over the drain period. Resolves when none is left. */
  async drain(abort: AbortSignal): Promise<void> {
    this.#draining = true;
    const { clock, metrics, random } = this.#surroundings;
    const report = (): void => metrics.draining(this.name, this.sessions.size);
    report();
    const all = [...this.sessions];
    const period = this.#snapshot?.drainPeriod ?? 0;
    await closeSpread(all, { reason: "Draining" }, period, { clock, random, abort, progress: report });
    // A dial or an issuer may take longer than Kubernetes waits for a pod that stops.
    for (const attempt of [...this.#attempts]) attempt.drain();
    await this.#emptied(abort);
    report();
  }

  /** The proxy was removed: its sessions end as those of a removed route do. Resolves when none is left. */
  async retire(): Promise<void> {
    this.#draining = true;
    for (const attempt of [...this.#attempts]) attempt.drain();
    const { clock, random } = this.#surroundings;
    const all = [...this.sessions];
    const period = Math.min(REMOVAL_PERIOD, all.length * 10);
    await closeSpread(all, { reason: "RouteRemoved" }, period, { clock, random, abort: this.#stop.signal });
    await this.#emptied(this.#stop.signal);
    this.#memory.clear();
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#draining = true;
    this.#stop.abort();
    for (const attempt of [...this.#attempts]) attempt.abort();
    for (const session of [...this.sessions]) session.destroy();
  }

  async #emptied(abort: AbortSignal): Promise<void> {
    while ((this.sessions.size > 0 || this.#attempts.size > 0) && !abort.aborted) await pause(20, this.clock, abort);
  }

  /** The one in use as long as it writes the same: what was compiled with it need not be compiled again. */
  #logFor({ dataplane }: Config): Log {
    const { access } = dataplane.log;
    if (this.#snapshot?.config.dataplane.log.access === access) return this.#snapshot.log;
    return accessLog(this.#surroundings.log, this.name, access);
  }
}

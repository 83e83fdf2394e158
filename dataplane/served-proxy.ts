import type { Socket } from "node:net";
import type { Config, Endpoints } from "../api/config.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { pause } from "../runtime/pause.ts";
import type { Slices } from "../runtime/slices.ts";
import { accessLog } from "./access-log.ts";
import { Attempt } from "./attempt.ts";
import type { Dialled } from "./backend/backend.ts";
import type { ReadPath } from "./tunnel/byte-source.ts";
import type { Descriptors } from "./descriptors.ts";
import { closeSpread } from "./drain.ts";
import type { Client } from "./listener.ts";
import { Memory } from "./memory.ts";
import type { Metrics } from "./metrics.ts";
import { Occupancy } from "./occupancy.ts";
import type { Refusal } from "./rejection.ts";
import { Session, type SessionFacts } from "./session.ts";
import { compile, type CompiledRoute, type Snapshot } from "./snapshot.ts";
import { tunnel } from "./tunnel/tunnel.ts";

/** What all proxies of a process share. */
export interface Surroundings {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** How sockets are read after their handshakes. */
  readonly reads: ReadPath;
  readonly random: () => number;
  /** What sockets may have of the process's file descriptors. */
  readonly descriptors: Descriptors;
  /** The ends of sessions: thousands may come at once. */
  readonly ends: Slices;
}

/** Sessions of removed routes are told within this time, in ms. */
const REMOVAL_PERIOD = 5000;

/** One WebSocketProxy in service: its config in force, its handshakes under way, its sessions. The listener is beside it. */
export class ServedProxy {
  /** `<namespace>/<name>`: the metric label. */
  readonly name: string;
  readonly clock: Clock;
  readonly occupancy = new Occupancy();
  readonly sessions = new Set<Session>();
  readonly #attempts = new Set<Attempt>();
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
    this.#surroundings = surroundings;
    this.#log = accessLog(surroundings.log, name, "All");
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

  get attempts(): number {
    return this.#attempts.size;
  }

  /** Config → snapshot, not in force yet: `commit` or `rollback` must follow. */
  prepare(config: Config, hash: string, endpoints: Endpoints): Snapshot {
    try {
      const { clock, metrics, random } = this.#surroundings;
      const options = {
        memory: this.#memory,
        occupancy: this.occupancy,
        metrics,
        clock,
        log: this.#logFor(config),
        random,
      };
      const snapshot = compile(config, hash, options);
      for (const route of snapshot.routes.values()) route.balancer.setEndpoints(endpoints);
      return snapshot;
    } catch (fault) {
      this.rollback();
      throw fault;
    }
  }

  rollback(): void {
    this.#memory.rollback();
  }

  /** Puts a snapshot in force and looks at every session again. */
  commit(snapshot: Snapshot, endpointsHash: string): void {
    this.#memory.commit();
    this.#snapshot = snapshot;
    this.#endpointsHash = endpointsHash;
    this.#log = this.#logFor(snapshot.config);
    const { metrics, clock, random, descriptors } = this.#surroundings;
    const { proxy, dataplane } = snapshot.config;
    const limit = Math.min(dataplane.maxConnections, descriptors.sessions);
    metrics.configApplied(this.name, proxy.generation, limit, clock.wall());
    const orphans: Session[] = [];
    for (const session of this.sessions) {
      const route = snapshot.routes.get(session.route);
      if (route === undefined) orphans.push(session);
      else this.#apply(route, session);
    }
    if (orphans.length === 0) return;
    const period = Math.min(REMOVAL_PERIOD, snapshot.drainPeriod, orphans.length * 10);
    void closeSpread(orphans, { reason: "RouteRemoved" }, period, { clock, random, abort: this.#stop.signal });
  }

  /** Holds a session to what is in force now. A check that cannot be made ends it; that, or an end without a right to it, counts. */
  #apply(route: CompiledRoute, session: Session): void {
    const { metrics } = this.#surroundings;
    const ended = session.ending;
    try {
      session.apply(route);
    } catch (fault) {
      this.#log.error({ err: fault, requestId: session.requestId }, "config could not be applied to a session");
      session.destroy();
    }
    if (!ended && session.ending && !session.permissionLost) metrics.configDropped(this.name);
  }

  setEndpoints(endpoints: Endpoints, hash: string): void {
    this.#endpointsHash = hash;
    for (const route of this.#snapshot?.routes.values() ?? []) route.balancer.setEndpoints(endpoints);
  }

  /** A client's handshake begins; `method` as far as it is known. */
  begin(socket: Socket, method = ""): Attempt {
    const { clock, metrics, descriptors } = this.#surroundings;
    const release = descriptors.dial();
    const attempt: Attempt = new Attempt(socket, {
      bodiless: method === "HEAD",
      clock,
      log: this.#log,
      metrics: metrics.route(this.name, ""),
      ended: () => {
        release();
        this.#attempts.delete(attempt);
      },
    });
    this.#attempts.add(attempt);
    return attempt;
  }

  /** Refuses where the pod has as many sessions and handshakes as it may. */
  overload(): Refusal | undefined {
    const most = this.#snapshot?.config.dataplane.maxConnections ?? 0;
    if (this.sessions.size + this.#attempts.size > most) return { reason: "Overloaded", retryAfter: 5 };
    return this.#surroundings.descriptors.shortage();
  }

  /** The client's 101 has been written: a session begins. */
  open(facts: SessionFacts, route: CompiledRoute, client: Client, backend: Dialled, release: () => void): void {
    const { clock, random, reads, descriptors, ends } = this.#surroundings;
    const hungUp = descriptors.dial();
    const session = new Session(facts, route, clock, this.#log);
    this.sessions.add(session);
    try {
      session.opened(
        tunnel({
          client: { socket: client.socket, head: client.head },
          backend: { socket: backend.socket, head: backend.head },
          reads,
          plan: route.plan(session),
          clock,
          deflate: backend.extensions !== undefined,
          counts: session,
          random,
          turns: (task) => ends.run(task),
          over: release, // who comes back at once finds a place, however long the other end takes to hang up
          closed: (end) => {
            hungUp();
            this.sessions.delete(session);
            session.closed(end);
          },
          slowConsumer: () => route.metrics.slowConsumer(),
        }),
      );
    } catch (fault) {
      // Without a tunnel nobody would ever tell that the session has ended.
      hungUp();
      this.sessions.delete(session);
      backend.socket.destroy();
      release();
      throw fault;
    }
    this.#settle(session);
  }

  /** What changed while the handshake was under way holds for the session from its first moment. */
  #settle(session: Session): void {
    const route = this.#snapshot?.routes.get(session.route);
    if (route === undefined) session.terminate({ reason: "RouteRemoved" });
    else this.#apply(route, session);
    if (this.#draining) session.terminate({ reason: "Draining" });
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
    // A dial or an issuer may take longer than whoever stops us waits.
    for (const attempt of [...this.#attempts]) attempt.drain();
    await this.#emptied(abort);
    report();
  }

  /** The proxy was removed: its sessions end as those of a removed route do. Resolves when none is left. */
  async retire(): Promise<void> {
    this.#draining = true;
    const { clock, random } = this.#surroundings;
    const all = [...this.sessions];
    const period = Math.min(REMOVAL_PERIOD, all.length * 10);
    await closeSpread(all, { reason: "RouteRemoved" }, period, { clock, random, abort: this.#stop.signal });
    await this.#emptied(this.#stop.signal);
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

  #logFor({ dataplane }: Config): Log {
    return accessLog(this.#surroundings.log, this.name, dataplane.log.access);
  }
}

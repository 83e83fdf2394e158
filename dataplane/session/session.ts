import { randomUUID } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { Fields, Log } from "../../runtime/log.ts";
import { accessLine, type AccessEvent } from "../access-log.ts";
import type { Timeline, TimelineMore, TimelineWhat } from "../debug/timeline.ts";
import type { Trace } from "../debug/trace.ts";
import type { DirectionCount } from "../tunnel/frame-judge.ts";
import type { TracedSession } from "../frame-trace/traced-session.ts";
import type { Identity } from "../identity.ts";
import { Memory } from "../memory.ts";
import type { LiveSession, RouteMetrics } from "../metrics.ts";
import { review, watch } from "../policies/permission.ts";
import type { PolicySteps, Party } from "../policy.ts";
import { isPermissionLost, type Termination } from "../rejection.ts";
import type { CompiledRoute } from "../config/snapshot.ts";
import type { SessionTap } from "../tunnel/frame-tap.ts";
import type { Direction, Moment, TunnelTimeline } from "../tunnel/timeline.ts";
import type { Tunnel, TunnelEnd } from "../tunnel/tunnel-options.ts";
import type { SessionFacts } from "../handshake/context.ts";

/** A connection after its 101: its client, the policies that hold for it, how it ends. */
export class Session implements Party, LiveSession, TunnelTimeline, TracedSession {
  readonly id = randomUUID();
  readonly requestId: string;
  readonly identity: Identity;
  readonly address: string;
  readonly addressSubject: string;
  readonly protocol: string | undefined;
  readonly endpoint: string;
  readonly route: string;
  readonly openedAt: number;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly fromClient: DirectionCount = { messages: 0, bytes: 0 };
  readonly fromBackend: DirectionCount = { messages: 0, bytes: 0 };
  readonly #metrics: RouteMetrics;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #timeline: Timeline | undefined;
  #tunnel: Tunnel | undefined;
  #tap: SessionTap | undefined;
  #memory: Memory | undefined;
  #stopWatching: (() => void) | undefined;
  /** The policies that were applied last. */
  #applied: readonly PolicySteps[] = [];
  #ending = false;
  #permissionLost = false;

  constructor(facts: SessionFacts, route: CompiledRoute, clock: Clock, log: Log, timeline?: Timeline) {
    this.requestId = facts.requestId;
    this.identity = facts.identity;
    this.address = facts.address;
    this.addressSubject = facts.addressSubject;
    this.protocol = facts.protocol;
    this.endpoint = facts.endpoint;
    this.route = route.name;
    this.openedAt = clock.now();
    this.since = clock.wall();
    // Not the route: the session may outlive a hundred configs, and must not keep an old one in memory.
    this.#metrics = route.metrics;
    this.#clock = clock;
    this.#log = log;
    this.#timeline = timeline;
  }

  /** Sees its frames; undefined: nothing does. */
  get tap(): SessionTap | undefined {
    return this.#tap;
  }

  /** Shows each frame to `tap` from now on; undefined: to none any more. */
  trace(tap: SessionTap | undefined): void {
    this.#tap = tap;
    this.#tunnel?.trace(tap);
  }

  /** Of the tunnel. */
  happened(what: Moment, direction?: Direction, code?: number): void {
    if (this.#timeline?.watched !== true) return;
    this.#timeline.tell(this, what, {
      ...(direction === undefined ? {} : { direction }),
      ...(code === undefined ? {} : { code }),
    });
  }

  /** Made at first use: most sessions have nothing to remember. */
  get memory(): Memory {
    this.#memory ??= new Memory();
    return this.#memory;
  }

  get paused(): boolean {
    return this.#tunnel?.paused ?? false;
  }

  get buffered(): number {
    return this.#tunnel?.buffered ?? 0;
  }

  /** The session was told to end, or has ended. */
  get ending(): boolean {
    return this.#ending;
  }

  /** The gateway ended it because its permission went away. */
  get permissionLost(): boolean {
    return this.#permissionLost;
  }

  /** The session is open from here on. `trace`: of its handshake, where something watched. */
  opened(tunnel: Tunnel, trace?: Trace): void {
    this.#tunnel = tunnel;
    tunnel.trace(this.#tap); // what came behind the handshake may have ended a trace
    this.#metrics.opened(this);
    this.#line("SessionOpened", {}, trace);
  }

  /** Tells what watches of something in the session's life that has no line in the log. */
  tell(what: TimelineWhat, more?: TimelineMore): void {
    if (this.#timeline?.watched === true) this.#timeline.tell(this, what, more);
  }

  /** The issuer was asked about its credential again; `reason`: what it says, as in an `IntrospectionResult`. */
  credentialChecked(reason: string): void {
    this.tell("credentialChecked", { reason });
  }

  /**
   * Puts a route's policies in force for this session: its permission is reviewed, its limits are changed. Only policies
   * that differ from those applied last cost anything: a config change does this for 10,000 sessions.
   */
  apply(route: CompiledRoute): void {
    if (this.#ending) return;
    const before = this.#applied;
    const added = route.chain.filter((policy) => !before.includes(policy));
    const changed = [...added, ...before.filter((policy) => !route.chain.includes(policy))];
    const watched = changed.some((policy) => policy.watch !== undefined);
    if (watched) this.#unwatch();
    const termination = review(added, this);
    if (termination !== undefined) return this.terminate(termination);
    this.#applied = route.chain;
    if (changed.some((policy) => policy.plan !== undefined)) this.#tunnel?.apply(route.plan(this));
    if (watched) this.#stopWatching = watch(route.chain, this, (end) => this.terminate(end));
  }

  /** Ends the session with a Close frame to both peers; only the first call counts. */
  terminate(termination: Termination): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#unwatch();
    this.#permissionLost = isPermissionLost(termination.reason);
    if (this.#permissionLost) this.#metrics.credentialTermination(termination.reason);
    this.#tunnel?.close(termination);
  }

  /** Ends the session at once, without a Close frame to either end. */
  destroy(): void {
    this.#ending = true;
    this.#unwatch();
    this.#tunnel?.destroy();
  }

  /** Both sockets are closed. */
  closed(end: TunnelEnd): void {
    this.#ending = true;
    this.#unwatch();
    const reason = end.termination?.reason ?? (end.code === 1006 ? "Vanished" : "Closed");
    const seconds = (this.#clock.now() - this.openedAt) / 1000;
    this.#metrics.closed(this, { code: end.code, reason, by: end.by }, seconds);
    this.#line("SessionClosed", {
      code: end.code,
      reason,
      policy: end.termination?.policy,
      cause: end.termination?.cause,
      by: end.by,
      duration: Math.round(seconds * 1000) / 1000,
      messages: { fromClient: this.fromClient.messages, fromBackend: this.fromBackend.messages },
      bytes: { fromClient: this.fromClient.bytes, fromBackend: this.fromBackend.bytes },
    });
  }

  #line(event: AccessEvent, more: Fields, trace?: Trace): void {
    const fields = {
      session: this.id,
      requestId: this.requestId,
      route: this.route,
      client: this.identity.client,
      address: this.address,
      endpoint: this.endpoint,
      subprotocol: this.protocol,
      status: 101,
      ...more,
    };
    accessLine(this.#log, event, fields, trace);
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }
}

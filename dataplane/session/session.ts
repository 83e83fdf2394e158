import { randomUUID } from "node:crypto";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { DirectionCount } from "../tunnel/frame-judge.ts";
import type { Identity } from "../identity.ts";
import { Memory } from "../memory.ts";
import type { LiveSession, RouteMetrics } from "../metrics.ts";
import { review, watch } from "../policies/permission.ts";
import type { Enforcement, Party } from "../policy.ts";
import type { CloseReason, Termination } from "../rejection.ts";
import type { CompiledRoute } from "../config/snapshot.ts";
import type { Tunnel, TunnelEnd } from "../tunnel/tunnel-options.ts";
import type { SessionFacts } from "../handshake/context.ts";

/** Reasons that say that a permission went away. */
const PERMISSION: ReadonlySet<CloseReason> = new Set([
  "CredentialExpired",
  "CredentialRevoked",
  "Denied",
  "ScopeMissing",
  "ClaimMismatch",
]);

/** A connection after its 101: its client, the policies in force for it, and its end. */
export class Session implements Party, LiveSession {
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
  #tunnel: Tunnel | undefined;
  #memory: Memory | undefined;
  #stopWatching: (() => void) | undefined;
  /** The policies in force for it. */
  #held: readonly Enforcement[] = [];
  #ending = false;
  #permissionLost = false;

  constructor(facts: SessionFacts, route: CompiledRoute, clock: Clock, log: Log) {
    this.requestId = facts.requestId;
    this.identity = facts.identity;
    this.address = facts.address;
    this.addressSubject = facts.addressSubject;
    this.protocol = facts.protocol;
    this.endpoint = facts.endpoint;
    this.route = route.name;
    this.openedAt = clock.now();
    this.since = clock.wall();
    // Not the route: a session may outlive a hundred configs, and must not keep the one that it began with.
    this.#metrics = route.metrics;
    this.#clock = clock;
    this.#log = log;
  }

  /** Made on first use: most sessions remember nothing. */
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

  /** The gateway ended the session because its permission went away. */
  get permissionLost(): boolean {
    return this.#permissionLost;
  }

  /** The session is open from here on. */
  opened(tunnel: Tunnel): void {
    this.#tunnel = tunnel;
    this.#metrics.opened(this);
    this.#log.info(this.#fields(), "session opened");
  }

  /**
   * Puts a route's policies in force for this session: reviews its permission and changes its limits. Policies that are
   * in force already are skipped: a config change reviews 10,000 sessions while messages wait.
   */
  apply(route: CompiledRoute): void {
    if (this.#ending) return;
    const before = this.#held;
    const added = route.chain.filter((policy) => !before.includes(policy));
    const changed = [...added, ...before.filter((policy) => !route.chain.includes(policy))];
    const watched = changed.some((policy) => policy.watch !== undefined);
    if (watched) this.#unwatch();
    const termination = review(added, this);
    if (termination !== undefined) return this.terminate(termination);
    this.#held = route.chain;
    if (changed.some((policy) => policy.plan !== undefined)) this.#tunnel?.apply(route.plan(this));
    if (watched) this.#stopWatching = watch(route.chain, this, (end) => this.terminate(end));
  }

  /** Ends the session with a Close frame to both peers; only the first call counts. */
  terminate(termination: Termination): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#unwatch();
    this.#permissionLost = PERMISSION.has(termination.reason);
    if (this.#permissionLost) this.#metrics.credentialTermination(termination.reason);
    this.#tunnel?.close(termination);
  }

  /** Destroys both sockets at once, without a Close frame. */
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
    this.#log.info(
      {
        ...this.#fields(),
        code: end.code,
        reason,
        detail: end.termination?.detail,
        by: end.by,
        duration: Math.round(seconds * 1000) / 1000,
        messages: { fromClient: this.fromClient.messages, fromBackend: this.fromBackend.messages },
        bytes: { fromClient: this.fromClient.bytes, fromBackend: this.fromBackend.bytes },
      },
      "session closed",
    );
  }

  #fields(): Record<string, unknown> {
    return {
      session: this.id,
      requestId: this.requestId,
      route: this.route,
      client: this.identity.client,
      address: this.address,
      endpoint: this.endpoint,
      subprotocol: this.protocol,
      status: 101,
    };
  }

  #unwatch(): void {
    this.#stopWatching?.();
    this.#stopWatching = undefined;
  }
}

import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Fields, Log } from "../../runtime/log.ts";
import { Admission } from "./admission.ts";
import { accessLine } from "../access-log.ts";
import { admit } from "./admit.ts";
import type { Trace } from "../debug/trace.ts";
import type { Dialled } from "../backend/backend.ts";
import type { Balancer } from "../backend/balancer.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Identity } from "../identity.ts";
import type { RouteMetrics } from "../metrics.ts";
import type { Occupancy } from "../limits/occupancy.ts";
import { Place } from "./place.ts";
import { planTrace } from "./plan-trace.ts";
import { refuse } from "./refuse.ts";
import type { Asking } from "./reserve.ts";
import { loggedPath, type RequestFacts } from "./request-facts.ts";
import { canonicalAddress } from "../../runtime/canonical-address.ts";
import { statusOf, type Refusal } from "../rejection.ts";
import type { CompiledRoute } from "../config/snapshot.ts";

/** What an attempt uses of its proxy. */
export interface AttemptOptions {
  readonly clock: Clock;
  /** The log of the config in force. */
  readonly log: () => Log;
  /** How many early bytes were read together with the request head. */
  readonly early: number;
  /** The request was HEAD. */
  readonly bodiless: boolean;
  /** For what happens before a route is known. */
  readonly metrics: RouteMetrics;
  readonly asking: Asking;
  /** What is told of the steps; undefined: nothing watches. */
  readonly trace?: Trace | undefined;
  /** Called once, when the handshake has ended, whatever its answer was. */
  readonly ended: () => void;
}

/**
 * A handshake under way. It holds what was opened and counted for the handshake, and gives all of it back when the
 * client leaves or an answer is sent; it alone counts and logs the answer.
 */
export class Attempt {
  readonly #socket: Socket;
  readonly #options: AttemptOptions;
  readonly #abort = new AbortController();
  readonly #started: number;
  #metrics: RouteMetrics;
  #route: CompiledRoute | undefined;
  #handshake: Handshake | undefined;
  /** Known once the handshake was to be admitted. */
  #identity: Identity | undefined;
  /** Of a request that never became a handshake. */
  #facts: RequestFacts = {};
  #admission: Admission | undefined;
  #balancer: Balancer | undefined;
  #backend: Dialled | undefined;
  #place: Place | undefined;
  /** An answer was counted, and begun to be sent. */
  #answered = false;

  constructor(socket: Socket, options: AttemptOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#metrics = options.metrics;
    this.#started = options.clock.now();
    // A client's FIN before its 101 is its end: `allowHalfOpen` would keep the socket for ever.
    socket.once("end", this.#gone);
    socket.once("close", this.#gone);
  }

  /** Aborts when the client has left, or when the proxy stops at once. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** What the log says of a request that has not the form of a handshake. */
  describe(facts: RequestFacts): void {
    this.#facts = facts;
  }

  /** What is told of the steps; undefined: nothing watches. */
  get trace(): Trace | undefined {
    return this.#options.trace;
  }

  /** The request has the form of a handshake: policies get the one that is returned. */
  identify(handshake: Handshake): Handshake {
    this.#handshake = handshake;
    const { trace } = this.#options;
    if (trace === undefined) return handshake;
    [trace.host, trace.path] = [handshake.host, loggedPath(handshake.path)];
    trace.passed("handshake");
    return { ...handshake, shadowed: (policy, reason) => trace.shadow(policy, reason) };
  }

  routed(route: CompiledRoute): void {
    this.#balancer = route.balancer;
    this.#setRoute(route);
    this.trace?.passed("route");
  }

  /**
   * The client is known, and no backend is dialled yet: the route in force refuses the client, or gives it a slot among
   * the open connections. From here on its permission is watched.
   */
  admit(
    handshake: Handshake,
    identity: Identity,
    route: CompiledRoute | undefined,
    occupancy: Occupancy,
  ): Refusal | undefined {
    if (route === undefined) return { reason: "RouteNotFound" };
    this.#setRoute(route);
    this.#identity = identity;
    const { trace } = this.#options;
    const admission = new Admission(handshake, identity, this.#started);
    const lost = admission.review(route);
    trace?.pass();
    const refusal = lost ?? admit(route.chain, handshake, identity, trace);
    if (refusal !== undefined) return refusal;
    this.#place = new Place(handshake, identity, route, occupancy, this.#options.asking);
    this.#admission = admission;
    admission.watch(route, this.#lost);
    return undefined;
  }

  /**
   * The client was admitted here, in this turn: takes its place over all pods. While the store is asked the attempt holds
   * the place, and gives it back whatever happens meanwhile.
   */
  async reserve(): Promise<Refusal | undefined> {
    return this.#place?.reserve();
  }

  /** Asks the route in force once more for the permission, and refuses the handshake at once where it is gone. */
  review(route: CompiledRoute | undefined): void {
    const refusal = this.#admission?.review(route);
    if (refusal !== undefined) this.#lost(refusal);
  }

  /** Another version of the route is in force; undefined: the route is gone. A check that throws refuses the handshake. */
  apply(route: CompiledRoute | undefined): void {
    if (this.#admission === undefined || this.signal.aborted) return;
    try {
      if (route !== undefined) this.#setRoute(route);
      this.review(route);
      if (route !== undefined && !this.signal.aborted) this.#admission.watch(route, this.#lost);
    } catch (fault) {
      this.failed(fault);
      this.#abort.abort();
    }
  }

  /** Name of its route, once that is known. */
  get route(): string | undefined {
    return this.#route?.name;
  }

  /** Picks the endpoint; its config may not be in force any more. */
  get balancer(): Balancer | undefined {
    return this.#balancer;
  }

  dials(balancer: Balancer): void {
    this.#balancer = balancer;
  }

  /** The backend's connection, ours to close until it is handed over. */
  opened(backend: Dialled): void {
    this.#backend = backend;
  }

  refuse(refusal: Refusal): void {
    if (this.#answered || this.signal.aborted) return;
    this.#answered = true;
    const requestId = this.#handshake?.requestId ?? randomUUID();
    const challenge = this.#route?.challenge ?? 'ApiKey realm="wsproxy"';
    const status = statusOf(refusal);
    this.#metrics.handshake(status, refusal.reason, this.#seconds());
    const { reason, policy, cause } = refusal;
    this.#logRefused({ status, reason, policy, cause, requestId });
    const { bodiless, clock } = this.#options;
    refuse(this.#socket, refusal, { requestId, challenge, bodiless }, clock);
  }

  /** The client got the backend's own refusal. */
  relayed(status: number): void {
    this.#answered = true;
    this.#metrics.handshake(status, "BackendRefused", this.#seconds());
    this.#logRefused({ status, reason: "BackendRefused", requestId: this.#handshake?.requestId });
  }

  /** The client's 101 has been written. */
  accepted(): void {
    this.#answered = true;
    this.trace?.passed("answer");
    this.#metrics.handshake(101, "Accepted", this.#seconds());
  }

  /**
   * A fault of the gateway: the client is told to try again. Behind an answer no other can be sent; of an aborted
   * handshake the client has left, or is still reading its refusal.
   */
  failed(fault: unknown): void {
    this.#options.log().error({ err: fault, requestId: this.#handshake?.requestId }, "handshake failed");
    if (this.signal.aborted) return;
    if (this.#answered) this.#socket.destroy();
    else this.refuse({ reason: "Overloaded", cause: "internal fault" });
  }

  /** The session takes over what was opened and counted; the returned function gives it back. */
  handOver(): () => void {
    // The returned function lives as long as the session, and must not keep the handshake in memory.
    const release = this.#backend?.release;
    const leave = this.#place?.handOver();
    this.#admission?.unwatch();
    this.#backend = undefined;
    this.#place = undefined;
    return () => {
      leave?.();
      release?.();
    };
  }

  /** Gives back what was not handed over. */
  end(): void {
    this.#socket.off("end", this.#gone);
    this.#socket.off("close", this.#gone);
    this.#admission?.unwatch();
    this.#place?.leave();
    this.#backend?.socket.destroy();
    this.#backend?.release();
    this.#options.ended();
  }

  /** The proxy stops, and does not wait for this handshake's dial or issuer. */
  drain(): void {
    this.refuse({ reason: "Draining" });
    this.#abort.abort();
  }

  /** Early bytes of the client that wait here for the 101. */
  get early(): number {
    return this.#abort.signal.aborted ? 0 : this.#options.early + this.#socket.readableLength;
  }

  /** Memory is short, and this client sent many bytes before its 101. */
  shed(): void {
    this.refuse({ reason: "Overloaded", retryAfter: 5, cause: "buffer budget" });
    this.#abort.abort();
  }

  /** The proxy stops at once. */
  abort(): void {
    this.#gone();
  }

  #setRoute(route: CompiledRoute): void {
    this.#route = route;
    this.#metrics = route.metrics;
    const { trace } = this.#options;
    if (trace !== undefined) planTrace(trace, route);
  }

  /** The permission went away: nothing is awaited any more. */
  readonly #lost = (refusal: Refusal): void => {
    this.#admission?.unwatch();
    this.refuse(refusal);
    this.#abort.abort();
  };

  readonly #gone = (): void => {
    this.#abort.abort();
    this.#socket.destroy();
  };

  #seconds(): number {
    return (this.#options.clock.now() - this.#started) / 1000;
  }

  #logRefused(fields: Fields): void {
    const { address, host, path } = this.#handshake ?? this.#facts;
    const client = address ?? canonicalAddress(this.#socket.remoteAddress ?? "");
    const where = { address: client, host, path: path === undefined ? undefined : loggedPath(path) };
    const known = { route: this.#route?.name, client: this.#identity?.client };
    accessLine(this.#options.log(), "HandshakeRefused", { ...fields, ...known, ...where }, this.trace);
  }
}

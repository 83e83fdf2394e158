import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { Admission } from "./admission.ts";
import { admit } from "./admit.ts";
import type { Dialled } from "../backend/backend.ts";
import type { Balancer } from "../backend/balancer.ts";
import type { Handshake } from "../opening-handshake.ts";
import type { Identity } from "../identity.ts";
import type { RouteMetrics } from "../metrics.ts";
import type { Occupancy } from "../limits/occupancy.ts";
import { refuse } from "./refuse.ts";
import { statusOf, type Refusal } from "../rejection.ts";
import type { CompiledRoute } from "../config/snapshot.ts";

/** What an attempt uses of its proxy. */
export interface AttemptOptions {
  readonly clock: Clock;
  /** As it is set now. */
  readonly log: () => Log;
  /** Bytes that came behind the request head, together with it. */
  readonly head: number;
  /** The request was HEAD. */
  readonly bodiless: boolean;
  /** For what happens before a route is known. */
  readonly metrics: RouteMetrics;
  /** Called once, when the handshake has ended in whatever way. */
  readonly ended: () => void;
}

/**
 * A handshake under way: what was opened and counted for it, so that all of it is given back whenever the client leaves
 * or an answer is sent; and the one place that counts and logs the answer.
 */
export class Attempt {
  readonly #socket: Socket;
  readonly #options: AttemptOptions;
  readonly #abort = new AbortController();
  readonly #started: number;
  #metrics: RouteMetrics;
  #route: CompiledRoute | undefined;
  #handshake: Handshake | undefined;
  #admission: Admission | undefined;
  #balancer: Balancer | undefined;
  #backend: Dialled | undefined;
  #leave: (() => void) | undefined;
  #accepted = false;

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

  identify(handshake: Handshake): void {
    this.#handshake = handshake;
  }

  routed(route: CompiledRoute): void {
    this.#balancer = route.balancer;
    this.#isFor(route);
  }

  /**
   * The client is known, and no backend is dialled yet: its route, as it is now, refuses it, or it takes its place among
   * the open connections. From here on its permission is watched.
   */
  admit(
    handshake: Handshake,
    identity: Identity,
    route: CompiledRoute | undefined,
    occupancy: Occupancy,
  ): Refusal | undefined {
    if (route === undefined) return { reason: "RouteNotFound" };
    this.#isFor(route);
    const admission = new Admission(handshake, identity, this.#started);
    const refusal = admission.review(route) ?? admit(route.chain, handshake, identity);
    if (refusal !== undefined) return refusal;
    this.#leave = occupancy.enter(route.name, identity, handshake);
    this.#admission = admission;
    admission.watch(route, this.#lost);
    return undefined;
  }

  /** Asks once more whether its route, as it is now, permits it, and refuses it at once where that does not. */
  review(route: CompiledRoute | undefined): void {
    const refusal = this.#admission?.review(route);
    if (refusal !== undefined) this.#lost(refusal);
  }

  /** Another version of its route took force; undefined: the route is gone. A check that cannot be made refuses it. */
  apply(route: CompiledRoute | undefined): void {
    if (this.#admission === undefined || this.signal.aborted) return;
    try {
      if (route !== undefined) this.#isFor(route);
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

  /** Picks its endpoint, by a config that may not be in force any more. */
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
    if (this.signal.aborted) return;
    const requestId = this.#handshake?.requestId ?? randomUUID();
    const challenge = this.#route?.challenge ?? 'ApiKey realm="wsproxy"';
    const status = statusOf(refusal);
    this.#metrics.handshake(status, refusal.reason, this.#seconds());
    this.#log("handshake refused", { status, reason: refusal.reason, detail: refusal.detail, requestId });
    const { bodiless, clock } = this.#options;
    refuse(this.#socket, refusal, { requestId, challenge, bodiless }, clock);
  }

  /** The backend's own refusal went to the client. */
  relayed(status: number): void {
    this.#metrics.handshake(status, "BackendRefused", this.#seconds());
    this.#log("handshake refused", { status, reason: "BackendRefused", requestId: this.#handshake?.requestId });
  }

  /** The client's 101 has been written. */
  accepted(): void {
    this.#accepted = true;
    this.#metrics.handshake(101, "Accepted", this.#seconds());
  }

  /** A fault of ours: the client learns nothing but that it is worth another try. Behind a 101 there is no answer left. */
  failed(fault: unknown): void {
    this.#options.log().error({ err: fault, requestId: this.#handshake?.requestId }, "handshake failed");
    if (this.#accepted) this.#socket.destroy();
    else if (!this.signal.aborted) this.refuse({ reason: "Overloaded", detail: "internal fault" });
  }

  /** The session takes over what was opened and counted: call the returned function when it is over. */
  handOver(): () => void {
    // Nothing else of the handshake may be kept for as long as the session lives.
    const release = this.#backend?.release;
    const leave = this.#leave;
    this.#admission?.unwatch();
    this.#backend = undefined;
    this.#leave = undefined;
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
    this.#leave?.();
    this.#backend?.socket.destroy();
    this.#backend?.release();
    this.#options.ended();
  }

  /** The proxy stops, and waits no longer for what this handshake waits for. */
  drain(): void {
    this.refuse({ reason: "Draining" });
    this.#abort.abort();
  }

  /** Bytes that the client sent behind its request head, and that wait here for the 101. */
  get early(): number {
    return this.#abort.signal.aborted ? 0 : this.#options.head + this.#socket.readableLength;
  }

  /** Memory is short, and this client sent much before it was let in. */
  shed(): void {
    this.refuse({ reason: "Overloaded", retryAfter: 5, detail: "buffer budget" });
    this.#abort.abort();
  }

  /** The proxy stops at once. */
  abort(): void {
    this.#gone();
  }

  #isFor(route: CompiledRoute): void {
    this.#route = route;
    this.#metrics = route.metrics;
  }

  /** Its permission went away: nothing is waited for any more. */
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

  #log(message: string, fields: Record<string, unknown>): void {
    this.#options.log().info({ ...fields, route: this.#route?.name, address: this.#handshake?.address }, message);
  }
}

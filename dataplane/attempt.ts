import { randomUUID } from "node:crypto";
import type { Socket } from "node:net";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Dialled } from "./backend/backend.ts";
import type { Handshake } from "./handshake.ts";
import type { RouteMetrics } from "./metrics.ts";
import { refuse } from "./refuse.ts";
import { statusOf, type Refusal } from "./rejection.ts";
import type { CompiledRoute } from "./snapshot.ts";

/** What an attempt uses of its proxy. */
export interface AttemptOptions {
  readonly clock: Clock;
  readonly log: Log;
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
    this.#route = route;
    this.#metrics = route.metrics;
  }

  /** A place was taken in the counts of open connections. */
  enter(leave: () => void): void {
    this.#leave = leave;
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
    this.#options.log.error({ err: fault, requestId: this.#handshake?.requestId }, "handshake failed");
    if (this.#accepted) this.#socket.destroy();
    else if (!this.signal.aborted) this.refuse({ reason: "Overloaded", detail: "internal fault" });
  }

  /** The session takes over what was opened and counted: call the returned function when it is over. */
  handOver(): () => void {
    // Nothing else of the handshake may be kept for as long as the session lives.
    const release = this.#backend?.release;
    const leave = this.#leave;
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

  readonly #gone = (): void => {
    this.#abort.abort();
    this.#socket.destroy();
  };

  #seconds(): number {
    return (this.#options.clock.now() - this.#started) / 1000;
  }

  #log(message: string, fields: Record<string, unknown>): void {
    this.#options.log.info({ ...fields, route: this.#route?.name, address: this.#handshake?.address }, message);
  }
}

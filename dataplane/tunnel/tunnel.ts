import type { Socket } from "node:net";
import { Flow } from "./flow.ts";
import type { FlowEvents } from "./flow-options.ts";
import { Keepalive } from "./keepalive.ts";
import { Lifespan } from "./lifespan.ts";
import type { TunnelPlan } from "./plan.ts";
import type { SessionTap } from "./frame-tap.ts";
import type { Moment, TunnelTimeline } from "./timeline.ts";
import { readsRest } from "./read-rest.ts";
import { resetsInTurn } from "./reset-in-turn.ts";
import { DESTROYED, PEER_ACTED, SessionEnd } from "./session-end.ts";
import { codeOf, type Termination } from "../rejection.ts";
import type { EndedBy, Tunnel, TunnelEnd, TunnelOptions } from "./tunnel-options.ts";

/** Joins two upgraded sockets until a peer or the gateway ends the session. */
export function tunnel(options: TunnelOptions): Tunnel {
  const running = new RunningTunnel(options);
  running.start(options.client.early, options.backend.early);
  return running;
}

class RunningTunnel implements Tunnel, FlowEvents<Flow> {
  readonly #turns: TunnelOptions["turns"];
  readonly #stopping: TunnelOptions["stopping"];
  readonly #timeline: TunnelTimeline;
  readonly #client: Socket;
  readonly #backend: Socket;
  /** From the client to the backend. */
  readonly #up: Flow;
  /** From the backend to the client. */
  readonly #down: Flow;
  readonly #keepalive: Keepalive;
  readonly #lifespan: Lifespan;
  readonly #session: SessionEnd;
  #plan: TunnelPlan;

  constructor({
    client,
    backend,
    reads,
    plan,
    clock,
    budget,
    deflate,
    timeline,
    tap,
    counts,
    random,
    loop,
    stopping,
    turns,
    ...events
  }: TunnelOptions) {
    this.#turns = turns;
    this.#stopping = stopping;
    this.#timeline = timeline;
    this.#plan = plan;
    const share = random(); // what may throw comes before the sockets are taken over
    const fromClient = reads.open(client.socket);
    const fromBackend = reads.open(backend.socket);
    this.#client = fromClient.socket;
    this.#backend = fromBackend.socket;
    for (const socket of [this.#client, this.#backend]) readsRest(socket, clock);
    const both = { clock, budget, loop, deflate, slowConsumer: plan.slowConsumer, events: this };
    this.#up = new Flow({
      ...both,
      ...{ source: fromClient, receiver: this.#backend, masked: true, pongs: this },
      ...{ plan: plan.fromClient, count: counts.fromClient },
    });
    this.#down = new Flow({
      ...both,
      ...{ source: fromBackend, receiver: this.#client, masked: false, pongs: undefined },
      ...{ plan: plan.fromBackend, count: counts.fromBackend },
    });
    this.trace(tap);
    this.#keepalive = new Keepalive(this.#up, this.#down, clock, this);
    this.#lifespan = new Lifespan(this.#up, this.#down, clock, share, this);
    const parts = { up: this.#up, down: this.#down, keepalive: this.#keepalive, lifespan: this.#lifespan };
    this.#session = new SessionEnd(
      { ...parts, client: this.#client, backend: this.#backend, clock, events },
      plan.slowConsumer.timeout,
    );
  }

  start(fromClient: Buffer, fromBackend: Buffer): void {
    const closed = (): void => this.#turns(() => this.#session.socketClosed());
    for (const socket of [this.#client, this.#backend]) {
      resetsInTurn(socket, this.#turns);
      socket.on("error", destroyBroken);
      if (socket.closed) closed();
      else socket.on("close", closed);
    }
    this.#keepalive.apply(this.#plan.keepalive);
    this.#lifespan.apply(this.#plan);
    this.#up.start(fromClient);
    this.#down.start(fromBackend);
  }

  get paused(): boolean {
    return this.#up.paused || this.#down.paused;
  }

  get buffered(): number {
    return this.#client.writableLength + this.#backend.writableLength + this.#up.held + this.#down.held;
  }

  apply(plan: TunnelPlan): void {
    this.#plan = plan;
    this.#session.patience = plan.slowConsumer.timeout;
    if (!this.#session.open) return;
    this.#up.apply(plan.fromClient, plan.slowConsumer);
    this.#down.apply(plan.fromBackend, plan.slowConsumer);
    this.#keepalive.apply(plan.keepalive);
    this.#lifespan.apply(plan);
  }

  trace(tap: SessionTap | undefined): void {
    this.#up.trace(tap?.fromClient);
    this.#down.trace(tap?.fromBackend);
  }

  close(termination: Termination): void {
    this.#turns(() => this.#session.on("terminated", { end: byGateway(termination) }));
  }

  destroy(): void {
    this.#session.on("destroyed", DESTROYED);
  }

  /** Of a flow. */
  violated(flow: Flow, termination: Termination): void {
    const event = termination.reason === "ProtocolError" ? "protocolError" : "violated";
    this.#session.on(event, { end: byGateway(termination), flow });
  }

  /** Of a flow. */
  shed(flow: Flow): void {
    const cause = "buffer budget";
    // Then the receiver is not slow: the source sent more than a limit lets through.
    if (flow.receiver.writableLength === 0) return this.violated(flow, { reason: "MessageRate", cause });
    this.#session.on("shed", { end: byGateway({ reason: "SlowConsumer", cause }), flow });
  }

  /** Of a flow. */
  closed(flow: Flow, code: number): void {
    const by = flow === this.#up ? "client" : "backend";
    const event = by === "client" ? "closeFromClient" : "closeFromBackend";
    this.#session.on(event, { end: byPeer(by, code), flow });
  }

  /** Of a flow. */
  answered(flow: Flow): void {
    if (flow === this.#up) this.#session.on("clientAnswered", PEER_ACTED);
    else this.#session.on("backendAnswered", PEER_ACTED);
  }

  /** Of a flow. */
  taken(flow: Flow): void {
    if (flow === this.#down) this.#session.on("clientTold", PEER_ACTED);
  }

  /** Of a flow. */
  ended(flow: Flow): void {
    this.#turns(() => (flow === this.#up ? this.#clientEnded() : this.#backendEnded()));
  }

  /** Of a flow. */
  happened(flow: Flow, what: Moment, code?: number): void {
    this.#timeline.happened(what, flow === this.#up ? "fromClient" : "fromBackend", code);
  }

  /** Of the keepalive. */
  pinged(): void {
    this.#timeline.happened("ping");
  }

  /** Of the keepalive. */
  ponged(): void {
    this.#timeline.happened("pong");
  }

  /** Of the client's flow: is this pong for us? */
  isAnswer(frame: Buffer): boolean {
    return this.#keepalive.isAnswer(frame);
  }

  #clientEnded(): void {
    this.#session.on(this.#client.closed ? "clientGone" : "clientEnded", { end: byPeer("client", 1006) });
  }

  #backendEnded(): void {
    const end = this.#stopping() ? byGateway(STOPPED) : LOST;
    this.#session.on(this.#backend.closed ? "backendGone" : "backendEnded", { end });
  }
}

/** The backend's connection ended without a Close frame. */
const LOST: TunnelEnd = { code: codeOf("BackendLost"), by: "backend", termination: { reason: "BackendLost" } };
/** The same while the gateway stops. */
const STOPPED: Termination = { reason: "Draining", cause: "the backend's connection ended without a Close frame" };

function byGateway(termination: Termination): TunnelEnd {
  return { code: codeOf(termination.reason), by: "gateway", termination };
}

function byPeer(by: EndedBy, code: number): TunnelEnd {
  return { code, by, termination: undefined };
}

function destroyBroken(this: Socket): void {
  this.destroy();
}

import type { Socket } from "node:net";
import { closeFrame } from "./control-frames.ts";
import { dropSocket } from "./drop-socket.ts";
import { Flow } from "./flow.ts";
import type { FlowEvents } from "./flow-options.ts";
import { Keepalive } from "./keepalive.ts";
import { Lifespan } from "./lifespan.ts";
import { Linger } from "./linger.ts";
import type { TunnelPlan } from "./plan.ts";
import { resetsInTurn } from "./reset-in-turn.ts";
import { closeText, codeOf, type Termination } from "../rejection.ts";
import type { Tunnel, TunnelEnd, TunnelOptions } from "./tunnel-options.ts";

/** For the answer to a Close frame that was carried over and taken, in ms. */
const CLOSE_ANSWER = 5000;
/** For an end's last answers to the other, which has broken the protocol, in ms. */
const ANSWERS = 500;
/** For a peer to hang up after a Close frame of ours, in ms. */
const HANG_UP = 2000;

/** Joins two upgraded sockets until one of them, or the gateway, ends it. */
export function tunnel(options: TunnelOptions): Tunnel {
  const running = new RunningTunnel(options);
  running.start(options.client.head, options.backend.head);
  return running;
}

class RunningTunnel implements Tunnel, FlowEvents<Flow> {
  readonly #events: Pick<TunnelOptions, "over" | "closed" | "slowConsumer" | "turns">;
  readonly #client: Socket;
  readonly #backend: Socket;
  /** From the client to the backend. */
  readonly #up: Flow;
  /** From the backend to the client. */
  readonly #down: Flow;
  readonly #keepalive: Keepalive;
  readonly #lifespan: Lifespan;
  readonly #linger: Linger;
  #plan: TunnelPlan;
  #end: TunnelEnd | undefined;
  #clientClosed = false;
  #backendClosed = false;
  #over = false;
  #gone = 0;

  constructor({
    client,
    backend,
    reads,
    plan,
    clock,
    budget,
    deflate,
    counts,
    random,
    loop,
    ...events
  }: TunnelOptions) {
    this.#events = events;
    this.#plan = plan;
    const share = random(); // whatever could fail comes before the sockets are taken over
    const fromClient = reads.open(client.socket);
    const fromBackend = reads.open(backend.socket);
    this.#client = fromClient.socket;
    this.#backend = fromBackend.socket;
    const both = { clock, budget, loop, deflate, slowConsumer: plan.slowConsumer, events: this };
    this.#up = new Flow({
      ...both,
      ...{ source: fromClient, sink: this.#backend, masked: true, pongs: this },
      ...{ plan: plan.fromClient, count: counts.fromClient },
    });
    this.#down = new Flow({
      ...both,
      ...{ source: fromBackend, sink: this.#client, masked: false, pongs: undefined },
      ...{ plan: plan.fromBackend, count: counts.fromBackend },
    });
    this.#keepalive = new Keepalive(this.#up, this.#down, clock, this);
    this.#lifespan = new Lifespan(this.#up, this.#down, clock, share, this);
    this.#linger = new Linger(clock, () => this.destroy());
  }

  start(clientHead: Buffer, backendHead: Buffer): void {
    const gone = (): void => this.#events.turns(() => this.#socketGone());
    for (const socket of [this.#client, this.#backend]) {
      resetsInTurn(socket, this.#events.turns);
      socket.on("error", broken);
      if (socket.closed) gone();
      else socket.on("close", gone);
    }
    this.#keepalive.apply(this.#plan.keepalive);
    this.#lifespan.apply(this.#plan);
    this.#up.start(clientHead);
    this.#down.start(backendHead);
  }

  get paused(): boolean {
    return this.#up.paused || this.#down.paused;
  }

  get buffered(): number {
    return this.#client.writableLength + this.#backend.writableLength + this.#up.held + this.#down.held;
  }

  apply(plan: TunnelPlan): void {
    this.#plan = plan;
    if (this.#end !== undefined) return;
    this.#up.apply(plan.fromClient, plan.slowConsumer);
    this.#down.apply(plan.fromBackend, plan.slowConsumer);
    this.#keepalive.apply(plan.keepalive);
    this.#lifespan.apply(plan);
  }

  close(termination: Termination): void {
    this.#events.turns(() => {
      if (this.#gone < 2) this.#terminate(termination, undefined);
    });
  }

  destroy(): void {
    this.#ending({ code: 1006, by: "gateway", termination: undefined });
    dropSocket(this.#client);
    dropSocket(this.#backend);
  }

  /** Of a flow. */
  violated(flow: Flow, termination: Termination): void {
    this.#terminate(termination, flow);
  }

  /** Of a flow. Nothing can be said to an end behind what it does not take; the other learns why. */
  shed(flow: Flow): void {
    const [sink, other] = flow === this.#up ? [this.#backend, this.#down] : [this.#client, this.#up];
    const detail = "buffer budget";
    // Then it is not the sink that is slow: the source sent more than a limit lets through.
    if (sink.writableLength === 0) return this.#terminate({ reason: "MessageRate", detail }, flow);
    const termination: Termination = { reason: "SlowConsumer", detail };
    const code = codeOf(termination.reason);
    const first = this.#ending({ code, by: "gateway", termination });
    dropSocket(sink);
    flow.discard();
    flow.release();
    if (first) {
      this.#isOver();
      this.#events.slowConsumer();
    }
    other.finish(first ? closeFrame(code, closeText(termination), other === this.#up) : undefined, false);
    this.#linger.for(HANG_UP);
  }

  /** Of a flow. */
  closed(flow: Flow, code: number): void {
    const by = flow === this.#up ? "client" : "backend";
    if (by === "client") this.#clientClosed = true;
    else this.#backendClosed = true;
    if (this.#ending({ code, by, termination: undefined })) {
      this.#lingerBehind([by === "client" ? this.#backend : this.#client], CLOSE_ANSWER);
    }
    if (!this.#clientClosed || !this.#backendClosed) return;
    this.#hangUp();
    this.#overOnceTold();
    this.#lingerBehind([this.#client, this.#backend], HANG_UP);
  }

  /** Of a flow. */
  ended(flow: Flow): void {
    this.#events.turns(() => (flow === this.#up ? this.#clientEnded() : this.#backendEnded()));
  }

  /** Of the client's flow: is this pong for us? */
  isAnswer(frame: Buffer): boolean {
    return this.#keepalive.isAnswer(frame);
  }

  /** The first end is the one that counts. */
  #ending(end: TunnelEnd): boolean {
    if (this.#end !== undefined) return false;
    this.#end = end;
    this.#lifespan.ended();
    this.#keepalive.stop();
    return true;
  }

  #isOver(): void {
    if (this.#over) return;
    this.#over = true;
    this.#events.over();
  }

  /** What a client has not taken keeps its place: else it could have as many such sessions as it likes. */
  #overOnceTold(): void {
    if (this.#client.writableLength === 0) return this.#isOver();
    for (const event of ["finish", "close"]) this.#client.once(event, () => this.#isOver());
  }

  #terminate(termination: Termination, fault: Flow | undefined): void {
    const code = codeOf(termination.reason);
    if (!this.#ending({ code, by: "gateway", termination })) {
      // Who breaks the protocol while the session is being closed gets no answer any more.
      if (fault !== undefined) this.#hangUp();
      // Whatever the peers are still waited for, now there is a reason not to.
      return this.#linger.for(HANG_UP);
    }
    this.#isOver();
    if (termination.reason === "SlowConsumer") this.#events.slowConsumer();
    const text = closeText(termination);
    // Who breaks the protocol is told last: the other end's answers to what came before the fault are on their way.
    const answers = termination.reason === "ProtocolError" && fault !== undefined;
    for (const flow of [this.#up, this.#down]) {
      const frame = closeFrame(code, text, flow === this.#up);
      if (answers && flow !== fault) flow.conclude(frame, ANSWERS);
      else flow.finish(frame, flow !== fault);
    }
    this.#linger.for(answers ? ANSWERS + HANG_UP : HANG_UP);
  }

  #hangUp(): void {
    this.#up.finish(undefined, false);
    this.#down.finish(undefined, false);
  }

  /** A client that vanishes looks to the backend as it would without a gateway. */
  #clientEnded(): void {
    this.#ending({ code: 1006, by: "client", termination: undefined });
    if (this.#clientClosed && !this.#client.closed) return; // it closed in order, and may wait for the answer
    this.#isOver();
    this.#up.finish(undefined, false);
    this.#down.discard();
    this.#client.destroy();
    this.#lingerBehind([this.#backend], HANG_UP);
  }

  #backendEnded(): void {
    const termination: Termination = { reason: "BackendLost" };
    const code = codeOf(termination.reason);
    const lost = this.#ending({ code, by: "backend", termination });
    if (this.#backendClosed && !this.#backend.closed) return; // likewise
    if (!lost && !this.#clientClosed && !this.#backendClosed) return;
    this.#down.finish(lost ? closeFrame(code, closeText(termination), false) : undefined, false);
    this.#overOnceTold();
    this.#up.discard();
    this.#backend.destroy();
    this.#lingerBehind([this.#client], HANG_UP);
  }

  /** What an end sent last is the other's to take, as long as it takes it, and a slow consumer's time beyond. */
  #lingerBehind(receivers: readonly Socket[], ms: number): void {
    this.#linger.behind(receivers, ms, this.#plan.slowConsumer.timeout);
  }

  #socketGone(): void {
    this.#gone += 1;
    if (this.#gone < 2) return;
    this.#isOver();
    this.#linger.stop();
    this.#up.stop();
    this.#down.stop();
    this.#keepalive.stop();
    this.#lifespan.stop();
    this.#events.closed(this.#end ?? { code: 1006, by: "client", termination: undefined });
  }
}

function broken(this: Socket): void {
  this.destroy();
}

import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { closeText } from "../rejection.ts";
import { closeFrame } from "./control-frames.ts";
import { dropSocket } from "./drop-socket.ts";
import { ANSWERS, type Flow } from "./flow.ts";
import type { Keepalive } from "./keepalive.ts";
import type { Lifespan } from "./lifespan.ts";
import { Linger } from "./linger.ts";
import { sessionStep, type SessionAction, type SessionEvent, type SessionPhase } from "./session-phases.ts";
import type { TunnelEnd, TunnelOptions } from "./tunnel-options.ts";

/** For the answer to a Close frame that the receiver has taken, in ms. */
const CLOSE_ANSWER = 5000;
/** For a peer to hang up after its last bytes, in ms. */
const HANG_UP = 2000;

interface SessionParts {
  readonly client: Socket;
  readonly backend: Socket;
  /** From the client to the backend. */
  readonly up: Flow;
  /** From the backend to the client. */
  readonly down: Flow;
  readonly keepalive: Keepalive;
  readonly lifespan: Lifespan;
  readonly clock: Clock;
  readonly events: Pick<TunnelOptions, "over" | "closed" | "slowConsumer">;
}

/** What comes with an event: the end to record, if it is the first one, and the flow that caused it. */
interface SessionCause {
  readonly end: TunnelEnd;
  readonly flow?: Flow;
}

/** Of events that never come first, and end no session that is open. */
export const PEER_ACTED: SessionCause = { end: { code: 1006, by: "gateway", termination: undefined } };

/** Both sockets closed before a flow could tell of an end: the client vanished. */
const VANISHED: SessionCause = { end: { code: 1006, by: "client", termination: undefined } };

/** Both sockets are destroyed, without a Close frame. */
export const DESTROYED: SessionCause = { end: { code: 1006, by: "gateway", termination: undefined } };

/** Ends a session as the table of `session-phases.ts` says: keeps its phase and performs the actions. */
export class SessionEnd {
  readonly #parts: SessionParts;
  readonly #linger: Linger;
  #phase: SessionPhase = "open";
  #end: TunnelEnd | undefined;
  #closedSockets = 0;
  /** Events that wait until the actions of the one before are done. */
  readonly #events: [SessionEvent, SessionCause][] = [];
  #acting = false;
  /** For a receiver to take a share of what waits for it, in ms. */
  patience: number;

  constructor(parts: SessionParts, patience: number) {
    this.#parts = parts;
    this.patience = patience;
    this.#linger = new Linger(parts.clock, () => this.on("destroyed", DESTROYED));
  }

  get open(): boolean {
    return this.#phase === "open";
  }

  on(event: SessionEvent, cause: SessionCause): void {
    this.#events.push([event, cause]);
    if (this.#acting) return; // an action has caused it: both Close frames are written before an answer counts
    this.#acting = true;
    try {
      for (let due = this.#events.shift(); due !== undefined; due = this.#events.shift()) this.#step(...due);
    } finally {
      this.#acting = false;
    }
  }

  /** Called once for each socket. */
  socketClosed(): void {
    this.#closedSockets += 1;
    if (this.#closedSockets === 2) this.on("socketsClosed", VANISHED);
  }

  #step(event: SessionEvent, cause: SessionCause): void {
    const { next, actions } = sessionStep(this.#phase, event);
    if (next !== undefined) this.#phase = next;
    for (const action of actions) this.#perform(action, cause);
  }

  #perform(action: SessionAction, { end, flow }: SessionCause): void {
    const { client, backend, up, down, events } = this.#parts;
    switch (action) {
      case "recordEnd":
        return this.#recordEnd(end);
      case "announceOver":
        return events.over();
      case "awaitTold":
        return this.#awaitTold();
      case "closeBoth":
        up.finish(this.#closeFrame(up), flow !== up);
        return down.finish(this.#closeFrame(down), flow !== down);
      case "closeBothAfterAnswers":
        return this.#closeBothAfterAnswers(flow);
      case "closeClient":
        return down.finish(this.#closeFrame(down), false);
      case "closeSource":
        return this.#towardsSource(flow).finish(this.#closeFrame(this.#towardsSource(flow)), false);
      case "endClient":
        return down.finish(undefined, false);
      case "endBackend":
        return up.finish(undefined, false);
      case "endSource":
        return this.#towardsSource(flow).finish(undefined, false);
      case "hangUpClient":
        return down.hangUp();
      case "hangUpBackend":
        return up.hangUp();
      case "dropClient":
        down.discard();
        client.destroy();
        return;
      case "dropBackend":
        up.discard();
        backend.destroy();
        return;
      case "dropReceiver":
        return dropReceiver(flow);
      case "dropBoth":
        dropSocket(client);
        return dropSocket(backend);
      case "awaitAnswer":
        return this.#linger.behind(flow === up ? [backend] : [client], CLOSE_ANSWER, this.patience);
      case "awaitClient":
        return this.#linger.behind([client], HANG_UP, this.patience);
      case "awaitBackend":
        return this.#linger.behind([backend], HANG_UP, this.patience);
      case "awaitBoth":
        return this.#linger.behind([client, backend], HANG_UP, this.patience);
      case "awaitBriefly":
        return this.#linger.for(HANG_UP);
      case "awaitAnswersBriefly":
        return this.#linger.for(ANSWERS + HANG_UP);
      case "stop":
        return this.#stop();
      case "announceClosed":
        return events.closed(this.#end ?? end);
    }
  }

  #recordEnd(end: TunnelEnd): void {
    this.#end = end;
    this.#parts.lifespan.ended();
    this.#parts.keepalive.stop();
    if (end.termination?.reason === "SlowConsumer") this.#parts.events.slowConsumer();
  }

  /** A client keeps its slot until it has taken its bytes: else it could have any number of such sessions. */
  #awaitTold(): void {
    const { client } = this.#parts;
    const told = (): void => this.on("clientTold", PEER_ACTED);
    if (client.writableLength === 0) return told();
    client.once("close", told); // the flow tells that the client has taken it
  }

  /** `broken`: the flow of the peer that broke the protocol. The other peer's answers to earlier messages are on their way. */
  #closeBothAfterAnswers(broken: Flow | undefined): void {
    for (const flow of [this.#parts.up, this.#parts.down]) {
      if (flow === broken) flow.finish(this.#closeFrame(flow), false);
      else flow.conclude(this.#closeFrame(flow));
    }
  }

  /** The flow towards the source of `flow`. */
  #towardsSource(flow: Flow | undefined): Flow {
    const { up, down } = this.#parts;
    return flow === up ? down : up;
  }

  /** A Close frame for the receiver of a flow: backends get masked frames. */
  #closeFrame(flow: Flow): Buffer {
    const { code = 1006, termination } = this.#end ?? {};
    return closeFrame(code, termination === undefined ? "" : closeText(termination), flow === this.#parts.up);
  }

  #stop(): void {
    const { up, down, keepalive, lifespan } = this.#parts;
    this.#linger.stop();
    up.stop();
    down.stop();
    keepalive.stop();
    lifespan.stop();
  }
}

/** A receiver that does not take its bytes cannot be told anything behind them. */
function dropReceiver(flow: Flow | undefined): void {
  if (flow === undefined) return;
  dropSocket(flow.receiver);
  flow.discard();
  flow.release();
}

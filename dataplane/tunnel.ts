import type { Socket } from "node:net";
import type { Clock, Timer } from "../runtime/clock.ts";
import { closeFrame } from "./control-frames.ts";
import { Flow, type FlowOptions } from "./flow.ts";
import { Keepalive } from "./keepalive.ts";
import { progressOf } from "./pressure.ts";
import { closeText, codeOf, type Termination } from "./rejection.ts";
import type { TokenBucket } from "./token-bucket.ts";

export type Direction = "from_client" | "from_backend";
export type End = "client" | "backend" | "gateway";

/** One limit on messages or bytes as it holds for one session and one direction. */
export interface FlowLimit {
  /** Shared by all sessions of the same subject, or the session's own (per Connection). */
  readonly bucket: TokenBucket;
  readonly onExceed: "Close" | "Drop" | "Delay";
  /** Only count. */
  readonly shadow: boolean;
  /** Once for each message that is refused, and once for each pause. */
  readonly hit: () => void;
}

export interface DirectionPlan {
  readonly messages: readonly FlowLimit[];
  readonly bytes: readonly FlowLimit[];
  /** Bytes on the wire of a whole message; Infinity: no limit. */
  readonly maxMessage: number;
  readonly maxFragments: number;
}

/** What a tunnel holds its session to. Times in ms; 0: off. */
export interface TunnelPlan {
  readonly fromClient: DirectionPlan;
  readonly fromBackend: DirectionPlan;
  readonly idle: number;
  readonly lifetime: number;
  readonly keepalive: { readonly interval: number; readonly timeout: number } | undefined;
  readonly slowConsumer: { readonly maxBuffered: number; readonly timeout: number };
}

export interface Leg {
  /** Paused. */
  readonly socket: Socket;
  /** What was read behind the head of the handshake. */
  readonly head: Buffer;
}

/** How a session ended: a peer's Close has that peer's code and no reason of ours. */
export interface TunnelEnd {
  readonly code: number;
  readonly by: End;
  readonly termination: Termination | undefined;
}

/** Forwarded data messages and their payload bytes. */
export interface DirectionCount {
  messages: number;
  bytes: number;
}

export interface TunnelOptions {
  readonly client: Leg;
  readonly backend: Leg;
  readonly plan: TunnelPlan;
  readonly clock: Clock;
  /** permessage-deflate was negotiated end to end: RSV1 may stand on the first frame of a message. */
  readonly deflate: boolean;
  readonly counts: { readonly fromClient: DirectionCount; readonly fromBackend: DirectionCount };
  readonly random: () => number;
  /** Once, when both sockets are gone. */
  closed(end: TunnelEnd): void;
  /** Once, when the session ends because an end takes nothing. */
  slowConsumer(): void;
}

export interface Tunnel {
  /** Puts changed limits in force. */
  apply(plan: TunnelPlan): void;
  /** Ends the session with a Close frame to both ends; only the first end counts. */
  close(termination: Termination): void;
  /** Ends it at once, without a word. */
  destroy(): void;
  readonly paused: boolean;
  readonly buffered: number;
}

/** For the answer to a Close frame that was carried over, in ms. */
const CLOSE_ANSWER = 5000;
/** For a peer to hang up after a Close frame of ours, in ms. */
const HANG_UP = 2000;
/** Largest random share by which a lifetime is shortened. */
const LIFETIME_JITTER = 0.1;

/** Joins two upgraded sockets until one of them, or the gateway, ends it. */
export function tunnel(options: TunnelOptions): Tunnel {
  const running = new RunningTunnel(options);
  running.start();
  return running;
}

class RunningTunnel implements Tunnel {
  readonly #options: TunnelOptions;
  readonly #client: Socket;
  readonly #backend: Socket;
  /** From the client to the backend. */
  readonly #up: Flow;
  /** From the backend to the client. */
  readonly #down: Flow;
  readonly #keepalive: Keepalive;
  readonly #openedAt: number;
  readonly #jitter: number;
  #plan: TunnelPlan;
  #end: TunnelEnd | undefined;
  #closesPassed = 0;
  #gone = 0;
  #idle: Timer | undefined;
  #lifetime: Timer | undefined;
  #deadline: Timer | undefined;

  constructor(options: TunnelOptions) {
    this.#options = options;
    const { plan, clock, counts } = options;
    this.#plan = plan;
    this.#client = options.client.socket;
    this.#backend = options.backend.socket;
    this.#openedAt = clock.now();
    this.#jitter = 1 - options.random() * LIFETIME_JITTER;
    const shared = { clock, deflate: options.deflate, slowConsumer: plan.slowConsumer };
    const client = { ...shared, source: this.#client, sink: this.#backend, masked: true, plan: plan.fromClient };
    const backend = { ...shared, source: this.#backend, sink: this.#client, masked: false, plan: plan.fromBackend };
    this.#up = new Flow({ ...client, count: counts.fromClient, ...this.#events("client") });
    this.#down = new Flow({ ...backend, count: counts.fromBackend, ...this.#events("backend") });
    this.#keepalive = new Keepalive(this.#up, this.#down, clock, () => this.close({ reason: "KeepaliveTimeout" }));
  }

  start(): void {
    for (const socket of [this.#client, this.#backend]) {
      socket.on("error", () => socket.destroy());
      if (socket.closed) this.#socketGone();
      else socket.once("close", () => this.#socketGone());
    }
    this.#keepalive.apply(this.#plan.keepalive);
    this.#time();
    this.#up.start(this.#options.client.head);
    this.#down.start(this.#options.backend.head);
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
    this.#time();
  }

  close(termination: Termination): void {
    this.#terminate(termination, undefined);
  }

  destroy(): void {
    this.#ending({ code: 1006, by: "gateway", termination: undefined });
    this.#client.destroy();
    this.#backend.destroy();
  }

  #events(from: "client" | "backend"): Pick<FlowOptions, "violated" | "closed" | "ended" | "ownPong"> {
    return {
      violated: (termination) => this.#terminate(termination, from === "client" ? this.#up : this.#down),
      closed: (code) => this.#closePassed(from, code),
      ended: () => (from === "client" ? this.#clientEnded() : this.#backendEnded()),
      ownPong: (frame) => from === "client" && this.#keepalive.isAnswer(frame),
    };
  }

  /** The first end is the one that counts. */
  #ending(end: TunnelEnd): boolean {
    if (this.#end !== undefined) return false;
    this.#end = end;
    this.#idle?.cancel();
    this.#lifetime?.cancel();
    this.#keepalive.stop();
    return true;
  }

  #terminate(termination: Termination, fault: Flow | undefined): void {
    const code = codeOf(termination.reason);
    if (!this.#ending({ code, by: "gateway", termination })) return;
    if (termination.reason === "SlowConsumer") this.#options.slowConsumer();
    const text = closeText(termination);
    this.#up.finish(closeFrame(code, text, true), fault !== this.#up);
    this.#down.finish(closeFrame(code, text, false), fault !== this.#down);
    this.#destroyIn(HANG_UP);
  }

  #closePassed(from: "client" | "backend", code: number): void {
    this.#closesPassed += 1;
    if (this.#ending({ code, by: from, termination: undefined })) this.#destroyIn(CLOSE_ANSWER);
    if (this.#closesPassed < 2) return;
    this.#up.finish(undefined, false);
    this.#down.finish(undefined, false);
    this.#destroyIn(HANG_UP);
  }

  /** A client that vanishes looks to the backend as it would without a gateway. */
  #clientEnded(): void {
    const vanished = this.#ending({ code: 1006, by: "client", termination: undefined });
    if (!vanished && this.#closesPassed > 0 && !this.#client.closed) return; // it closed in order, and waits for the answer
    this.#up.finish(undefined, false);
    this.#down.discard();
    this.#client.destroy();
    this.#destroyIn(HANG_UP);
  }

  #backendEnded(): void {
    const termination: Termination = { reason: "BackendLost" };
    const lost = this.#ending({ code: codeOf("BackendLost"), by: "backend", termination });
    if (!lost && this.#closesPassed === 0) return;
    this.#down.finish(lost ? closeFrame(codeOf("BackendLost"), closeText(termination), false) : undefined, false);
    this.#up.discard();
    this.#backend.destroy();
    this.#lingerForClient(progressOf(this.#client), this.#options.clock.now());
  }

  /** What the backend sent last is the client's to take, as long as it takes it. */
  #lingerForClient(state: string, since: number): void {
    const { clock } = this.#options;
    this.#deadline?.cancel();
    this.#deadline = clock.after(HANG_UP, () => {
      const now = clock.now();
      const next = progressOf(this.#client);
      if (this.#client.writableFinished) return this.destroy();
      if (next !== state) return this.#lingerForClient(next, now);
      if (now - since >= this.#plan.slowConsumer.timeout) return this.destroy();
      this.#lingerForClient(state, since);
    });
  }

  #destroyIn(ms: number): void {
    this.#deadline?.cancel();
    this.#deadline = this.#options.clock.after(ms, () => this.destroy());
  }

  #socketGone(): void {
    this.#gone += 1;
    if (this.#gone < 2) return;
    this.#deadline?.cancel();
    this.#up.stop();
    this.#down.stop();
    this.#keepalive.stop();
    this.#idle?.cancel();
    this.#lifetime?.cancel();
    this.#options.closed(this.#end ?? { code: 1006, by: "client", termination: undefined });
  }

  /** Timers of the session as a whole; started anew with each plan. */
  #time(): void {
    const { clock } = this.#options;
    const { idle, lifetime } = this.#plan;
    this.#idle?.cancel();
    this.#lifetime?.cancel();
    if (idle > 0) this.#watchIdle();
    if (lifetime > 0) {
      const left = this.#openedAt + lifetime * this.#jitter - clock.now();
      this.#lifetime = clock.after(Math.max(0, left), () => this.close({ reason: "LifetimeEnded" }));
    }
  }

  /** Looks again only when the session could be idle: a message costs no timer. */
  #watchIdle(): void {
    const { clock } = this.#options;
    const left = Math.max(this.#up.active, this.#down.active) + this.#plan.idle - clock.now();
    this.#idle = clock.after(Math.max(1, left), () => {
      const active = Math.max(this.#up.active, this.#down.active);
      if (clock.now() - active >= this.#plan.idle) this.close({ reason: "IdleTimeout" });
      else this.#watchIdle();
    });
  }
}

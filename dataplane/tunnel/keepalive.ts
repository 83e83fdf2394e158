import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { payloadByte, pingFrame } from "./control-frames.ts";
import type { Flow } from "./flow.ts";
import type { TunnelPlan } from "./plan.ts";
import type { Terminable } from "../rejection.ts";

const TAG = 8;

/** Pings the client and keeps the answering pongs from the backend. An unanswered ping ends the session. */
export class Keepalive {
  readonly #up: Flow;
  readonly #down: Flow;
  readonly #clock: Clock;
  readonly #tunnel: Terminable;
  /** The first bytes of all our pings in this session: they tell answers to them from other pongs. */
  #tag: Buffer | undefined;
  #settings: TunnelPlan["keepalive"];
  #timer: Timer | undefined;
  #answered = true;
  #receivedBefore = 0;

  /** `up`: from the client; `down`: to the client; `tunnel`: is closed when a ping was not answered. */
  constructor(up: Flow, down: Flow, clock: Clock, tunnel: Terminable) {
    this.#up = up;
    this.#down = down;
    this.#clock = clock;
    this.#tunnel = tunnel;
  }

  apply(settings: TunnelPlan["keepalive"]): void {
    const { interval, timeout } = settings ?? {};
    if (this.#settings?.interval === interval && this.#settings?.timeout === timeout) return;
    this.#settings = settings;
    this.stop();
    if (settings !== undefined) this.#in(settings.interval, () => this.#ping());
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Does this pong of the client answer a ping of ours? An old one counts too. */
  isAnswer(frame: Buffer): boolean {
    const tag = this.#tag;
    if (tag === undefined || ((frame[1] ?? 0) & 0x7f) !== TAG) return false;
    for (let at = 0; at < TAG; at += 1) if (payloadByte(frame, at) !== tag[at]) return false;
    this.#answered = true;
    return true;
  }

  #ping(): void {
    const { interval = 0, timeout = 0 } = this.#settings ?? {};
    // A client that does not take its bytes gets no ping: it is held to the time-out of slow consumers.
    if (this.#down.pressed) return this.#in(interval, () => this.#ping());
    this.#tag ??= randomBytes(TAG);
    this.#answered = false;
    this.#receivedBefore = this.#up.received;
    this.#down.inject(pingFrame(this.#tag));
    this.#in(timeout, () => this.#judge());
  }

  #judge(): void {
    const { interval = 0, timeout = 0 } = this.#settings ?? {};
    if (this.#answered) return this.#in(Math.max(1, interval - timeout), () => this.#ping());
    // No answer can have come: our ping is not written yet, or the client is paused, or its large frame still arrives.
    const arriving = this.#up.midFrame && this.#up.received > this.#receivedBefore;
    if (!this.#down.injecting && !this.#up.paused && !arriving)
      return this.#tunnel.close({ reason: "KeepaliveTimeout", policy: "keepalive" });
    this.#receivedBefore = this.#up.received;
    this.#in(timeout, () => this.#judge());
  }

  #in(ms: number, then: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, then);
  }
}

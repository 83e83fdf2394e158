import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { payloadByte, pingFrame } from "./control-frames.ts";
import type { Flow } from "./flow.ts";
import type { TunnelPlan } from "./plan.ts";
import type { Terminable } from "../rejection.ts";

const TAG = 8;

interface KeepaliveEvents extends Terminable {
  pinged(): void;
  /** The client has answered a ping of ours. */
  ponged(): void;
}

/** What was known of the client when its time began. */
interface Since {
  readonly read: number;
  readonly pauses: number;
  readonly paused: boolean;
}

/**
 * Pings the client and keeps the answering pongs from the backend. A client that sends nothing after a ping (where the
 * settings are strict: no pong) ends the session.
 */
export class Keepalive {
  readonly #up: Flow;
  readonly #down: Flow;
  readonly #clock: Clock;
  readonly #tunnel: KeepaliveEvents;
  /** The first bytes of all our pings in this session: they tell answers to them from other pongs. */
  #tag: Buffer | undefined;
  #settings: TunnelPlan["keepalive"];
  #timer: Timer | undefined;
  #answered = true;
  #since: Since | undefined;

  /** `up`: from the client; `down`: to the client; `tunnel`: is closed when a ping was not answered. */
  constructor(up: Flow, down: Flow, clock: Clock, tunnel: KeepaliveEvents) {
    this.#up = up;
    this.#down = down;
    this.#clock = clock;
    this.#tunnel = tunnel;
  }

  apply(settings: TunnelPlan["keepalive"]): void {
    const { interval, timeout } = this.#settings ?? {};
    this.#settings = settings;
    if (interval === settings?.interval && timeout === settings?.timeout) return; // `strict` is read when time is up
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
    this.#tunnel.ponged();
    return true;
  }

  #ping(): void {
    const { interval = 0, timeout = 0 } = this.#settings ?? {};
    // A client that does not take its bytes gets no ping: it is held to the time-out of slow consumers.
    if (this.#down.pressed) return this.#in(interval, () => this.#ping());
    this.#tag ??= randomBytes(TAG);
    this.#answered = false;
    this.#down.inject(pingFrame(this.#tag));
    this.#tunnel.pinged();
    this.#wait(timeout);
  }

  #wait(timeout: number): void {
    const { read, pauses, paused } = this.#up;
    this.#since = { read, pauses, paused };
    this.#in(timeout, () => this.#judge());
  }

  #judge(): void {
    const { interval = 0, timeout = 0, strict = false } = this.#settings ?? {};
    const heard = this.#up.read !== this.#since?.read;
    if (this.#answered || (heard && !strict)) return this.#in(Math.max(1, interval - timeout), () => this.#ping());
    // A pong cannot have come: our ping is not written yet, or the pong stands behind the rest of a large frame.
    if (this.#down.injecting || (heard && this.#up.midFrame) || this.#leftUnread()) return this.#wait(timeout);
    this.#tunnel.close({ reason: "KeepaliveTimeout", policy: "keepalive" });
  }

  /** We did not read the client all the time: what it sent may still wait in the kernel. */
  #leftUnread(): boolean {
    return this.#up.paused || this.#since?.paused === true || this.#up.pauses !== this.#since?.pauses;
  }

  #in(ms: number, then: () => void): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.after(ms, then);
  }
}

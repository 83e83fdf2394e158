import type { Termination } from "../rejection.ts";
import type { DirectionPlan, FlowLimit } from "./plan.ts";
import { Questions } from "./questions.ts";

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/**
 * The limits on messages and bytes of one direction of a session, asked at frame headers and for payload. Where the store
 * has to be asked first, the verdict is to wait for `questions`.
 */
export class FlowLimits {
  readonly questions = new Questions();
  #messages: readonly FlowLimit[];
  #bytes: readonly FlowLimit[];
  /** A limit on bytes may have to ask the store. */
  #bytesAsk: boolean;
  /** The limit that did not let the last message or byte pass. */
  #blocking: FlowLimit | undefined;
  /** Tokens of it that the message or byte needs. */
  #needed = 1;
  #exceeded: FlowLimit | undefined;
  /** The last bytes exceeded a limit that closes. */
  #cut = false;
  /** A hit was counted for the message, or the bytes, that wait now, or for the debt that is being paid. */
  #waiting = false;
  #bytesWait = false;
  #inDebt = false;

  constructor({ messages, bytes }: DirectionPlan) {
    this.#messages = messages;
    this.#bytes = bytes;
    this.#bytesAsk = bytes.some(({ bucket }) => bucket.asks);
  }

  apply({ messages, bytes }: DirectionPlan): void {
    this.#messages = messages;
    this.#bytes = bytes;
    this.#bytesAsk = bytes.some(({ bucket }) => bucket.asks);
  }

  /**
   * Takes a token of every limit for a message, or of none. `payload`: bytes of it that are to be judged at once. A
   * compressed message is delayed instead of dropped: later ones may refer to it (RFC 7692 §7.1.1). It can come only where
   * Drop took force while the session was open.
   */
  takeMessage(now: number, compressed = false, payload = 0): "pass" | "drop" | "delay" | "close" | "ask" {
    if (this.#messages.length === 0) return "pass";
    const first = this.#messages.find(({ shadow, bucket }) => !shadow && bucket.available(now) < 1);
    const blocking = first?.bucket.unknown(1, now) === true ? this.#known(now) : first;
    if (blocking === undefined) {
      if (payload > 0 && this.#bytesAsk) this.#askForBytes(payload, now);
      if (this.questions.any) return "ask";
      this.#waiting = false;
      for (const { bucket, shadow, hit } of this.#messages) {
        if (shadow) bucket.spend(1, now, hit);
        else bucket.take(1, now);
      }
      return "pass";
    }
    this.#blocking = blocking;
    this.#needed = 1;
    if (!this.#waiting) blocking.hit();
    if (blocking.onExceed === "Close") return "close";
    this.#waiting = compressed || blocking.onExceed === "Delay";
    return this.#waiting ? "delay" : "drop";
  }

  /** Milliseconds until the message, or the bytes, that wait are tried again. */
  turn(now: number): number {
    return this.#blocking?.bucket.turn(this.#needed, now) ?? 0;
  }

  messageRate(now: number): Termination {
    return { reason: "MessageRate", policy: "messages", retryAfter: seconds(this.#blocking?.bucket.wait(1, now) ?? 0) };
  }

  /** Is a limit that closes exceeded by so many bytes? */
  judgeBytes(count: number, now: number): "pass" | "close" | "ask" {
    if (this.#bytes.length === 0) return "pass";
    const limit = this.#askForBytes(count, now);
    if (limit === undefined) return this.questions.any ? "ask" : "pass";
    this.questions.drop();
    this.#exceeded = limit;
    limit.hit();
    return "close";
  }

  /**
   * Takes tokens for payload; returns how many bytes may be forwarded. If not all: the session must end where `cut`, else
   * the rest is to be asked for anew, or waits where it is none.
   */
  takeBytes(count: number, now: number): number {
    if (this.#bytes.length === 0) return count;
    this.#cut = false;
    let allowed = count;
    let waits = false;
    for (const limit of this.#bytes) {
      if (limit.shadow || limit.onExceed !== "Delay") continue;
      const least = limit.bucket.least(allowed, now);
      if (least === 0) continue;
      const available = Math.floor(limit.bucket.available(now));
      if (available >= least) allowed = Math.min(allowed, available);
      else if (limit.bucket.unknown(least, now)) this.questions.add(limit.bucket, least);
      else {
        this.#blocking = limit;
        this.#needed = least;
        waits = true;
      }
    }
    if (waits) return this.#waitWithBytes();
    allowed = this.#cutBytes(allowed, now);
    if (this.#cut) this.questions.drop();
    else if (this.questions.any) return 0;
    this.#bytesWait = false;
    for (const { bucket, shadow, hit } of this.#bytes) {
      if (shadow) bucket.spend(allowed, now, hit);
      else bucket.force(allowed, now);
    }
    return allowed;
  }

  get cut(): boolean {
    return this.#cut;
  }

  byteRate(now: number): Termination {
    return { reason: "ByteRate", policy: "bytes", retryAfter: seconds(this.#exceeded?.bucket.wait(1, now) ?? 0) };
  }

  /** Milliseconds until the limits that delay have no debt. */
  byteWait(now: number): number {
    let longest = 0;
    for (const limit of this.#bytes) {
      if (limit.shadow || limit.onExceed !== "Delay" || limit.bucket.available(now) >= 0) continue;
      if (!this.#inDebt) limit.hit();
      this.#inDebt = true;
      longest = Math.max(longest, limit.bucket.wait(0, now));
    }
    if (longest === 0) this.#inDebt = false;
    return longest;
  }

  /** The first limit on messages that is exceeded for certain; if there is none, all that must be asked. */
  #known(now: number): FlowLimit | undefined {
    for (const limit of this.#messages) {
      const { shadow, bucket } = limit;
      if (shadow || bucket.available(now) >= 1) continue;
      if (!bucket.unknown(1, now)) {
        this.questions.drop();
        return limit;
      }
      this.questions.add(bucket, 1);
    }
    return undefined;
  }

  /** The first limit on bytes that closes and is exceeded for certain; those before it that must be asked. */
  #askForBytes(count: number, now: number): FlowLimit | undefined {
    for (const limit of this.#bytes) {
      const { shadow, onExceed, bucket } = limit;
      if (shadow || onExceed !== "Close" || bucket.available(now) >= count) continue;
      if (!bucket.unknown(count, now)) return limit;
      this.questions.add(bucket, count);
    }
    return undefined;
  }

  /** How many of the bytes the limits that close let pass. */
  #cutBytes(count: number, now: number): number {
    let allowed = count;
    for (const limit of this.#bytes) {
      if (limit.shadow || limit.onExceed !== "Close") continue;
      const available = Math.max(0, Math.floor(limit.bucket.available(now)));
      if (available >= allowed) continue;
      if (limit.bucket.unknown(allowed, now)) {
        this.questions.add(limit.bucket, allowed);
        continue;
      }
      limit.hit();
      this.#exceeded = limit;
      this.#cut = true;
      allowed = available;
    }
    return allowed;
  }

  #waitWithBytes(): number {
    this.questions.drop();
    if (!this.#bytesWait) this.#blocking?.hit();
    this.#bytesWait = true;
    return 0;
  }
}

import type { Termination } from "../rejection.ts";
import type { DirectionPlan, FlowLimit } from "./plan.ts";

const seconds = (ms: number): number => Math.max(1, Math.ceil(ms / 1000));

/** The limits on messages and bytes of one direction of a session, asked at frame headers and for payload. */
export class FlowLimits {
  #messages: readonly FlowLimit[];
  #bytes: readonly FlowLimit[];
  /** The limit that did not let the last message pass. */
  #blocking: FlowLimit | undefined;
  #exceeded: FlowLimit | undefined;
  /** A hit was counted for the message that waits now, or for the debt that is being paid. */
  #waiting = false;
  #inDebt = false;

  constructor({ messages, bytes }: DirectionPlan) {
    this.#messages = messages;
    this.#bytes = bytes;
  }

  apply({ messages, bytes }: DirectionPlan): void {
    this.#messages = messages;
    this.#bytes = bytes;
  }

  /**
   * Takes a token of every limit for a message, or of none. A compressed message is delayed instead of dropped: later
   * ones may refer to it (RFC 7692 §7.1.1). It can come only where Drop took force while the session was open.
   */
  takeMessage(now: number, compressed = false): "pass" | "drop" | "delay" | "close" {
    if (this.#messages.length === 0) return "pass";
    const blocking = this.#messages.find(({ shadow, bucket }) => !shadow && bucket.available(now) < 1);
    this.#blocking = blocking;
    if (blocking === undefined) {
      this.#waiting = false;
      for (const { bucket, hit } of this.#messages) if (!bucket.take(1, now)) hit();
      return "pass";
    }
    if (!this.#waiting) blocking.hit();
    if (blocking.onExceed === "Close") return "close";
    this.#waiting = compressed || blocking.onExceed === "Delay";
    return this.#waiting ? "delay" : "drop";
  }

  /** Milliseconds until the message that waits may be tried again. */
  messageWait(now: number): number {
    return this.#blocking?.bucket.wait(1, now) ?? 0;
  }

  messageRate(now: number): Termination {
    return { reason: "MessageRate", policy: "messages", retryAfter: seconds(this.messageWait(now)) };
  }

  /** Is a limit that closes exceeded by so many bytes? */
  refusesBytes(count: number, now: number): boolean {
    const limit = this.#bytes.find((it) => !it.shadow && it.onExceed === "Close" && it.bucket.available(now) < count);
    if (limit === undefined) return false;
    this.#exceeded = limit;
    limit.hit();
    return true;
  }

  /** Takes tokens for payload; returns how many bytes may be forwarded. If not all, the session must end. */
  takeBytes(count: number, now: number): number {
    if (this.#bytes.length === 0) return count;
    let allowed = count;
    for (const limit of this.#bytes) {
      if (limit.shadow || limit.onExceed !== "Close") continue;
      const available = Math.max(0, Math.floor(limit.bucket.available(now)));
      if (available >= allowed) continue;
      limit.hit();
      this.#exceeded = limit;
      allowed = available;
    }
    for (const limit of this.#bytes) {
      if (limit.shadow) {
        if (!limit.bucket.take(allowed, now)) limit.hit();
      } else limit.bucket.force(allowed, now);
    }
    return allowed;
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
}

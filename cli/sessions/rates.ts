import type { PodSession } from "./open-sessions.ts";

/** Messages of each session in a second, from two looks at them. */
export class Rates {
  #counts = new Map<string, number>();
  #rates = new Map<string, number>();
  #at: number | undefined;

  /** Takes a look at `now`, in ms of a monotonic clock. Sessions that are gone are forgotten. */
  take(sessions: readonly PodSession[], now: number): void {
    const seconds = this.#at === undefined ? 0 : (now - this.#at) / 1000;
    const counts = new Map<string, number>();
    const rates = new Map<string, number>();
    for (const session of sessions) {
      const key = keyOf(session);
      const count = session.messages.fromClient + session.messages.fromBackend;
      const before = this.#counts.get(key);
      counts.set(key, count);
      if (before !== undefined && seconds > 0) rates.set(key, Math.max(0, count - before) / seconds);
    }
    this.#counts = counts;
    this.#rates = rates;
    this.#at = now;
  }

  /** undefined: the session has been seen once only. */
  readonly of = (session: PodSession): number | undefined => this.#rates.get(keyOf(session));

  /** Highest rate first; equal ones as they were. */
  sorted(sessions: readonly PodSession[]): readonly PodSession[] {
    return sessions.toSorted((one, other) => (this.of(other) ?? -1) - (this.of(one) ?? -1));
  }
}

function keyOf({ pod, id }: PodSession): string {
  return `${pod}/${id}`;
}

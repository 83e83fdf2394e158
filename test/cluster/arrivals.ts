import { setTimeout as sleep } from "node:timers/promises";
import type { Stage } from "./cluster.ts";
import type { Dial, Entry } from "./entry.ts";
import type { Ledger } from "./ledger.ts";

/** A steady stream of new clients, to the end of the scenario: each says one thing, hears it, and leaves. */
export class Arrivals {
  readonly entries: Entry[] = [];
  readonly #visits = new Set<Promise<void>>();
  readonly #timer: NodeJS.Timeout;

  private constructor({ ledger, signal }: Stage, url: string, every: number, dial: Dial) {
    this.#timer = setInterval(() => {
      const visit = this.#visit(ledger, url, dial).finally(() => this.#visits.delete(visit));
      this.#visits.add(visit);
    }, every);
    signal.addEventListener("abort", () => clearInterval(this.#timer));
  }

  /** One client every so many ms. */
  static start(cluster: Stage, url: string, every: number, dial: Dial = {}): Arrivals {
    return new Arrivals(cluster, url, every, dial);
  }

  /** Those that were not let in, whatever the reason. */
  get refused(): Entry[] {
    return this.entries.filter(
      ({ opened, refused, closed }) => opened === undefined && (refused ?? closed) !== undefined,
    );
  }

  /** Those that were let in, were not sent away, and have not heard what they said. */
  get unheard(): Entry[] {
    return this.entries.filter(
      ({ opened, closed, sent, received }) =>
        opened !== undefined && (closed?.code ?? 1000) === 1000 && received.length < sent.length,
    );
  }

  /** How long each handshake took, in ms. */
  get times(): number[] {
    return this.entries.flatMap(({ dialled, opened }) => (opened === undefined ? [] : [opened - dialled]));
  }

  /** Ms from a moment to the first client that dialled after it and was let in. */
  async firstAfter(moment: number, patience = 30_000): Promise<number> {
    for (const end = Date.now() + patience; Date.now() < end; await sleep(10)) {
      const first = this.entries.find(({ dialled, opened }) => dialled >= moment && opened !== undefined);
      if (first?.opened !== undefined) return first.opened - moment;
    }
    throw new Error(`no client was let in for ${patience / 1000} s`);
  }

  /** No more of them; resolves when the last has left. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#visits);
  }

  async #visit(ledger: Ledger, url: string, dial: Dial): Promise<void> {
    const session = ledger.dial(url, { as: "passer-by", ...dial });
    this.entries.push(session.entry);
    try {
      await session.opened();
      await session.echo("hello");
      await session.close();
    } catch {} // how it went is in the book
  }
}

/** How many were refused and why, such as `3 × 502 BackendUnreachable`. */
export function reasonsOf(entries: readonly Entry[]): string {
  const counts = new Map<string, number>();
  for (const { refused } of entries) {
    const reason = refused === undefined ? "no answer" : `${refused.status} ${refused.reason}`;
    counts.set(reason, (counts.get(reason) ?? 0) + 1);
  }
  return [...counts].map(([reason, count]) => `${count} × ${reason}`).join(", ") || "none";
}

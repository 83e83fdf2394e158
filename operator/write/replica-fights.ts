import type { Clock } from "../../runtime/clock.ts";
import { shortened } from "../shortened.ts";

/** So many changes by other writers within FIGHT are a fight. */
const MOST_CHANGES = 3;
/** ms. */
const FIGHT = 10 * 60_000;
/** In a fight the operator writes the number back after a wait, which doubles from the first to the longest; ms. */
const FIRST_WAIT = 5000;
const LONGEST_WAIT = 60_000;
/** Writers that are named, and characters of a name. */
const MOST_WRITERS = 3;
const LONGEST_NAME = 128;

interface Fight {
  /** The number of the spec that the operator keeps. */
  readonly wanted: number;
  /** When the operator wrote the number back: the last MOST_CHANGES times, on the monotonic clock. */
  readonly times: readonly number[];
  /** In the order in which they were met. */
  readonly writers: readonly string[];
  readonly wait: number;
}

/**
 * Remembers which other writers change the number of pods that a spec fixes. In a fight it slows the operator down, and
 * has a sentence for the status; the same one as long as the fight lasts.
 */
export class ReplicaFights {
  readonly #clock: Clock;
  readonly #fights = new Map<string, Fight>();
  /** Proxy → when its number may be written back. */
  readonly #due = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Another writer has changed the number of a proxy: after how many ms the operator may write it back. */
  wait(proxy: string, wanted: number): number {
    const fight = this.#fights.get(proxy);
    // An edit of the spec is not held up by what came before it.
    if (fight !== undefined && fight.wanted !== wanted) this.forget(proxy);
    const due = this.#due.get(proxy) ?? 0;
    return Math.max(0, due - this.#clock.now());
  }

  /** The operator has written the number back that `writer` had changed. */
  wroteBack(proxy: string, wanted: number, writer: string): void {
    const now = this.#clock.now();
    const before = this.#fights.get(proxy);
    const times = [...(before?.times ?? []), now].slice(-MOST_CHANGES);
    const fighting = isFight(times, now);
    const wait = !fighting || before === undefined ? 0 : Math.min(LONGEST_WAIT, before.wait * 2 || FIRST_WAIT);
    const known = before !== undefined && now - (before.times.at(-1) ?? 0) < FIGHT ? before.writers : [];
    const writers = [...new Set([...known, shortened(writer, LONGEST_NAME)])].slice(0, MOST_WRITERS);
    this.#fights.set(proxy, { wanted, times, writers, wait });
    this.#due.set(proxy, now + wait);
  }

  /** What the status says about the fight of a proxy; empty: there is none. */
  remarks(proxy: string): readonly string[] {
    const fight = this.#fights.get(proxy);
    if (fight === undefined || !isFight(fight.times, this.#clock.now())) return [];
    return [
      `Another writer keeps changing the number of pods in the Deployment, and the operator writes spec.gateway.replicas back, at most once a minute: ${fight.writers.join(", ")}. Remove spec.gateway.replicas to leave the number to it, or point the autoscaler at this WebSocketProxy instead of the Deployment.`,
    ];
  }

  /** After how many ms a pass has to look again, because a number may be written back or a fight is over. */
  again(proxy: string): number | undefined {
    const fight = this.#fights.get(proxy);
    const now = this.#clock.now();
    const end = fight !== undefined && isFight(fight.times, now) ? (fight.times[0] ?? 0) + FIGHT : undefined;
    const times = [this.#due.get(proxy), end].filter((at) => at !== undefined && at > now) as readonly number[];
    return times.length === 0 ? undefined : Math.min(...times) - now;
  }

  /** The number of a proxy is not fixed any more, or the proxy is gone. */
  forget(proxy: string): void {
    this.#fights.delete(proxy);
    this.#due.delete(proxy);
  }
}

function isFight(times: readonly number[], now: number): boolean {
  return times.length === MOST_CHANGES && now - (times[0] ?? 0) < FIGHT;
}

import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock, Timer } from "../../../../runtime/clock.ts";
import { pause } from "../../../../runtime/loop/pause.ts";
import { Unavailable, type Link } from "../link.ts";
import { ageOf } from "./answers.ts";
import type { PlaceCounts, Standing } from "./counts.ts";
import type { PlaceIds } from "./ids.ts";
import type { PlaceTimes } from "./times.ts";
import { PATIENCE, UnknownId } from "./writer.ts";
import { JOIN } from "../scripts/join.ts";
import { LEAVE } from "../scripts/leave.ts";
import { RENEW } from "../scripts/renew.ts";
import type { Script } from "../scripts/script.ts";
import { TAKE } from "../scripts/take.ts";

interface MembershipOptions {
  readonly link: () => Link;
  /** Key of the hash of pods. */
  readonly pods: string;
  readonly ids: PlaceIds;
  readonly counts: PlaceCounts;
  readonly clock: Clock;
  readonly times: PlaceTimes;
}

/** This process among the pods that the store counts for: joins, renews its id, leaves. */
export class Membership implements Standing {
  readonly #options: MembershipOptions;
  readonly #closing = new AbortController();
  #turn = 0;
  #joined = false;
  /** The join that began last, until it has ended. */
  #joining: Promise<void> | undefined;
  #rejoining: Promise<void> | undefined;
  #renewal: Timer;

  constructor(options: MembershipOptions) {
    this.#options = options;
    this.#renewal = this.#nextRenewal();
  }

  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  get ready(): boolean {
    return this.#joined && !this.closing.aborted && this.#options.link().available;
  }

  get turn(): number {
    return this.#turn;
  }

  steady(turn: number): void {
    if (turn !== this.#turn || !this.ready) throw new Unavailable("it is not available");
  }

  /**
   * Under a new id, writes all counts. What an old connection still delivers does not count. Rejects with Unavailable;
   * else the store knows this process, and has had the time to learn of all others.
   */
  async join(): Promise<void> {
    const joining = this.#join();
    this.#joining = joining;
    try {
      await joining;
    } finally {
      if (this.#joining === joining) this.#joining = undefined;
    }
  }

  get id(): string {
    return this.#options.ids.current;
  }

  async rejoin(id: string): Promise<void> {
    if (this.closing.aborted) return;
    if (id === this.id && this.#joining === undefined) return this.#again();
    await this.#joining?.catch(() => {});
    await nextTurn(); // then the link knows it, too
  }

  #again(): Promise<void> {
    this.#joined = false;
    return (this.#rejoining ??= this.#options
      .link()
      .rejoin()
      .finally(() => {
        this.#rejoining = undefined;
      }));
  }

  async #join(): Promise<void> {
    const { ids, counts, times, clock } = this.#options;
    this.#joined = false;
    this.#turn += 1;
    const began = this.#turn;
    const check = (): void => {
      if (began !== this.#turn || this.closing.aborted) throw new Unavailable("another connection joins");
    };
    check();
    const doubted = counts.begin();
    const id = ids.next();
    const { former } = ids;
    await this.#call(JOIN, [id, times.ttl]);
    check();
    await this.#loadTake();
    await counts.writeAll(doubted, former, check);
    check();
    let age = await this.#renew(former);
    ids.dropped(former);
    while (age < times.grace) {
      await pause(Math.min(times.grace - age, times.renew), clock, this.closing);
      check();
      age = await this.#renew([]);
    }
    while (!counts.settled) {
      check();
      await counts.writeDoubts(check);
    }
    check();
    this.#joined = true;
  }

  /** Leaves in order: what the store counts for this process is free at once. */
  async close(): Promise<void> {
    if (this.closing.aborted) return;
    this.#closing.abort();
    this.#renewal.cancel();
    const { current, former } = this.#options.ids;
    if (current === "") return;
    try {
      await this.#call(LEAVE, [current, ...former]);
    } catch {
      // The time to live ends what the store has of this process.
    }
  }

  #call(script: Script, args: readonly (string | number)[]): Promise<unknown> {
    return this.#options.link().call(script, [this.#options.pods], args, PATIENCE);
  }

  /** A script that the store does not have yet is overtaken by what is sent behind it. */
  async #loadTake(): Promise<void> {
    await this.#call(TAKE, [this.#options.ids.current, 0, 0, 0, 0]);
  }

  /** The id lives on; gives how long the store has known the pods, in ms. */
  async #renew(drop: readonly string[]): Promise<number> {
    const { ids, times } = this.#options;
    const id = ids.current;
    const age = ageOf(await this.#call(RENEW, [id, times.ttl, ...drop]));
    if (age === undefined) throw new UnknownId(id);
    return age;
  }

  #nextRenewal(): Timer {
    return this.#options.clock.after(this.#options.times.renew, () => void this.#renewed());
  }

  async #renewed(): Promise<void> {
    try {
      if (!this.#joined && this.#joining === undefined && this.#options.link().available) await this.#again();
      if (!this.ready) return;
      const now = this.#turn;
      await this.#renew([]);
      await this.#options.counts.walkOn(() => this.steady(now));
      await this.#options.counts.settle();
    } catch (fault) {
      if (fault instanceof UnknownId) void this.rejoin(fault.id);
    } finally {
      if (!this.closing.aborted) this.#renewal = this.#nextRenewal();
    }
  }
}

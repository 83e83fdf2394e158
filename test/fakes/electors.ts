import { ApiError } from "../../operator/kube/api-error.ts";
import type { Call, Caller } from "../../operator/kube/call.ts";
import { Election } from "../../operator/kube/election.ts";
import type { Lease, LeaseSpec } from "../../operator/kube/lease.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { FakeClock } from "./clock.ts";
import { recordedLog } from "./kube-bench.ts";

/** What befalls one elector from `at` on, for `length` ms. */
export interface Trouble {
  readonly index: number;
  readonly at: number;
  readonly length: number;
  /** A stall of its process; calls that do not arrive; answers that do not arrive; calls that take that long. */
  readonly what: "stall" | "calls lost" | "answers lost" | { readonly slow: number };
}

/** A machine's clock: its own zero, its own wall time; it fires nothing while its process is stalled. */
class MachineClock implements Clock {
  stalled = false;
  readonly #world: FakeClock;
  readonly #offset: number;
  #due: (() => void)[] = [];

  constructor(world: FakeClock, offset: number) {
    this.#world = world;
    this.#offset = offset;
  }

  now(): number {
    return this.#world.now() + this.#offset;
  }

  wall(): number {
    return this.#world.wall() + 1000 * this.#offset;
  }

  after(ms: number, fn: () => void): Timer {
    let cancelled = false;
    const timer = this.#world.after(ms, () => this.run(() => cancelled || fn()));
    return {
      cancel() {
        cancelled = true;
        timer.cancel();
      },
    };
  }

  /** Runs a part of the process: now, or when it goes on. */
  run(part: () => void): void {
    if (this.stalled) this.#due.push(part);
    else part();
  }

  resume(): void {
    this.stalled = false;
    for (const part of this.#due.splice(0)) part();
  }
}

/** One process that wants to lead. */
export interface Elector {
  readonly election: Election;
  readonly clock: MachineClock;
  readonly abort: AbortController;
  /** The signal of the term that it is in. */
  term: AbortSignal | undefined;
  ended: boolean;
}

/** Electors, each on a machine of its own, and one Lease behind a network that a test disturbs. */
export class Electors {
  readonly world = new FakeClock();
  readonly all: Elector[];
  lease: (Lease & { readonly spec: LeaseSpec }) | undefined;
  #version = 0;
  readonly #troubles: readonly Trouble[];
  readonly #start = this.world.now();

  constructor(count: number, troubles: readonly Trouble[] = []) {
    this.#troubles = troubles;
    this.all = Array.from({ length: count }, (_, index) => this.#elector(index));
    for (const { at, length, index, what } of troubles) {
      if (what !== "stall") continue;
      this.world.after(at, () => this.all[index] && (this.all[index].clock.stalled = true));
      this.world.after(at + length, () => this.#troubledBy(index, "stall") || this.all[index]?.clock.resume());
    }
  }

  /** Time since the beginning. */
  get at(): number {
    return this.world.now() - this.#start;
  }

  /** The electors that say now that they lead. */
  get leaders(): readonly number[] {
    return [...this.all.keys()].filter((index) => this.all[index]?.election.leading);
  }

  /** The electors that work as a leader: a stalled process does nothing. */
  get working(): readonly number[] {
    return [...this.all.keys()].filter((index) => {
      const { term, clock } = this.all[index] as Elector;
      return term?.aborted === false && !clock.stalled;
    });
  }

  /** Lets time pass in small steps; `each` looks at every one. */
  async pass(ms: number, each: () => void = () => {}): Promise<void> {
    for (let left = ms; left > 0; left -= 100) {
      this.world.advance(100);
      await new Promise((resolve) => setImmediate(resolve));
      each();
    }
  }

  #elector(index: number): Elector {
    const clock = new MachineClock(this.world, index * 12_345_678);
    const election = new Election({
      client: this.#client(index, clock),
      namespace: "wsproxy",
      name: "operator",
      identity: `operator-${index}`,
      clock,
      random: () => (index * 0.37) % 1,
      log: recordedLog().log,
    });
    const abort = new AbortController();
    const elector: Elector = { election, clock, abort, term: undefined, ended: false };
    const lead = (term: AbortSignal): Promise<void> => {
      elector.term = term;
      return new Promise((resolve) => term.addEventListener("abort", () => resolve(), { once: true }));
    };
    void election.run(abort.signal, lead).finally(() => (elector.ended = true));
    return elector;
  }

  #troubledBy(index: number, what: Trouble["what"]): boolean {
    return this.#troubles.some((one) => one.index === index && one.what === what && this.#isOn(one));
  }

  #isOn({ at, length }: Trouble): boolean {
    return this.at >= at && this.at < at + length;
  }

  #client(index: number, clock: MachineClock): Caller {
    return {
      request: <T>(call: Call): Promise<T> =>
        new Promise((resolve, reject) => {
          const fail = (): void => reject(new ApiError(call, 0, "Unreachable", "no answer"));
          if (call.signal?.aborted === true) return fail();
          const timer = clock.after(call.timeout ?? 30_000, fail);
          call.signal?.addEventListener("abort", fail, { once: true });
          if (this.#troubledBy(index, "calls lost")) return;
          const slow = this.#troubles.find(
            (one) => one.index === index && typeof one.what === "object" && this.#isOn(one),
          )?.what;
          const [up, down] = typeof slow === "object" ? [slow.slow, slow.slow / 2] : [1, 1];
          this.world.after(up, () => {
            const answer = this.#answer(call);
            if (this.#troubledBy(index, "answers lost")) return;
            this.world.after(down, () =>
              clock.run(() => {
                timer.cancel();
                if (answer instanceof ApiError) reject(answer);
                else resolve(answer as T);
              }),
            );
          });
        }),
    };
  }

  #answer(call: Call): Lease | ApiError {
    const refused = (status: number): ApiError => new ApiError(call, status, "Refused", "");
    const { lease } = this;
    if (call.method === undefined) return lease ?? refused(404);
    const sent = call.body as Lease & { readonly spec: LeaseSpec };
    if (call.method === "POST" && lease !== undefined) return refused(409);
    if (call.method === "PUT" && lease === undefined) return refused(404);
    if (call.method === "PUT" && sent.metadata.resourceVersion !== lease?.metadata.resourceVersion) return refused(409);
    this.#version += 1;
    this.lease = { ...sent, metadata: { ...sent.metadata, resourceVersion: String(this.#version) } };
    return this.lease;
  }
}

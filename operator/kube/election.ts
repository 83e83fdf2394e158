import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { isStatus } from "./api-error.ts";
import { readLease, writeLease, type Bounds, type Lease, type LeaseAt } from "./lease.ts";
import { microTime } from "./micro-time.ts";

/** The lease, this process, and the times of an election. */
export interface ElectionOptions extends LeaseAt {
  /** Unique to this process. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** A process may take a lease that did not change for this long; ms. */
  readonly duration?: number;
  /** A leader that could not renew for this long stops leading; shorter than `duration`; ms. */
  readonly renewDeadline?: number;
  /** Between two calls for the lease; ms. */
  readonly retry?: number;
}

/** Holder of a lease that we create again after it was deleted. */
const UNKNOWN = "unknown";
/** For a call that gives the lease back, since a process that stops has little time; ms. */
const RELEASE_TIMEOUT = 2000;

/**
 * Lets at most one of several processes lead, by a Lease. A lease of another process has run out when, by our own clock,
 * we have not seen it change for its duration. The times written in it do not count: clocks of machines differ.
 */
export class Election {
  readonly #options: Required<ElectionOptions>;
  /** The lease's version, and when we first saw it. */
  #seen: { readonly version: string | undefined; readonly at: number } | undefined;
  /** No other process can lead before this time of our clock: renewDeadline after we began our last write. */
  #until = Number.NEGATIVE_INFINITY;
  #failing = false;

  constructor(options: ElectionOptions) {
    this.#options = { duration: 15_000, renewDeadline: 10_000, retry: 2000, ...options };
  }

  /** Milliseconds for which no other process can lead; 0: we do not lead. */
  get remaining(): number {
    return Math.max(0, this.#until - this.#options.clock.now());
  }

  get leading(): boolean {
    return this.remaining > 0;
  }

  /**
   * Leads again and again until aborted. Each term calls `lead` with a signal that aborts before another process can lead,
   * waits until `lead` has ended, and gives the lease back.
   */
  async run(signal: AbortSignal, lead: (term: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, random, retry } = this.#options;
    while (!signal.aborted) {
      const lease = await this.#take(signal);
      if (lease !== undefined) await this.#term(lease, signal, lead);
      await pause(retry * (1 + 0.2 * random()), clock, signal);
    }
  }

  async #term(lease: Lease, signal: AbortSignal, lead: (term: AbortSignal) => Promise<void>): Promise<void> {
    const { log, identity } = this.#options;
    log.info({ identity }, "leading");
    const over = new AbortController();
    const end = (): void => over.abort();
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    const renewing = this.#renew(lease, over.signal).finally(end);
    try {
      if (!over.signal.aborted) await lead(over.signal);
    } finally {
      end();
      signal.removeEventListener("abort", end);
      await renewing;
      log.info({ identity }, "not leading any more");
      await this.#release();
    }
  }

  /** Takes the lease if it is free; undefined: it is not, or the call failed. */
  async #take(signal: AbortSignal): Promise<Lease | undefined> {
    try {
      const known = await readLease(this.#options, this.#bounds(signal));
      this.#failing = false;
      if (known === undefined && this.#seen !== undefined) await this.#restore(signal);
      else if (this.#isFree(known)) {
        const taken = await this.#write(known, signal);
        if (this.leading) return taken; // false if the call took longer than renewDeadline
      }
    } catch (error) {
      if (!signal.aborted && !isStatus(error, 409)) this.#failed(error);
    }
    return undefined;
  }

  #isFree(known: Lease | undefined): boolean {
    if (known === undefined) return true;
    const { clock, duration, identity } = this.#options;
    const version = known.metadata.resourceVersion;
    if (this.#seen?.version !== version) this.#seen = { version, at: clock.now() };
    const { holderIdentity, leaseDurationSeconds } = known.spec ?? {};
    const holder = holderIdentity ?? "";
    const since = clock.now() - (this.#seen?.at ?? clock.now());
    return holder === "" || holder === identity || since >= Math.max(duration, (leaseDurationSeconds ?? 0) * 1000);
  }

  /** A deleted lease is not free: its holder may not know yet. We create it again, and it has to run out. */
  async #restore(signal: AbortSignal): Promise<void> {
    const { clock, duration } = this.#options;
    const spec = {
      holderIdentity: UNKNOWN,
      leaseDurationSeconds: Math.ceil(duration / 1000),
      renewTime: microTime(clock.wall()),
    };
    await writeLease(this.#options, undefined, spec, this.#bounds(signal));
  }

  /** Renews the lease; resolves when the term is over or the lease is lost. */
  async #renew(first: Lease, term: AbortSignal): Promise<void> {
    const { clock, retry } = this.#options;
    let lease = first;
    let due = clock.now() + retry;
    for (;;) {
      const wait = Math.min(due - clock.now(), this.remaining);
      if (wait > 0) await pause(wait, clock, term);
      if (term.aborted || !this.leading) return;
      due = clock.now() + retry;
      try {
        lease = await this.#write(lease, term);
        this.#failing = false;
      } catch (error) {
        if (term.aborted) return;
        this.#failed(error);
        if (!isStatus(error, 409) && !isStatus(error, 404)) continue;
        const now = await this.#stillOurs(term);
        if (now === undefined) continue;
        lease = now;
        due = clock.now();
      }
    }
  }

  /**
   * After a conflict: the lease as it is now, if it still has our name: the answer to our last write may have been lost.
   * If it has another name, or none, the term is over at once.
   */
  async #stillOurs(term: AbortSignal): Promise<Lease | undefined> {
    try {
      const now = await readLease(this.#options, this.#bounds(term));
      if (now?.spec?.holderIdentity === this.#options.identity) return now;
      this.#until = Number.NEGATIVE_INFINITY;
    } catch (error) {
      if (!term.aborted) this.#failed(error);
    }
    return undefined;
  }

  /** Writes our name into the lease. */
  async #write(known: Lease | undefined, signal: AbortSignal): Promise<Lease> {
    const { clock, duration, renewDeadline, identity } = this.#options;
    const began = clock.now();
    const now = microTime(clock.wall());
    const ours = known?.spec?.holderIdentity === identity;
    const transitions = known?.spec?.leaseTransitions ?? 0;
    const spec = {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(duration / 1000),
      acquireTime: ours ? (known.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: transitions + (ours || known === undefined ? 0 : 1),
    };
    const written = await writeLease(this.#options, known, spec, this.#bounds(signal));
    this.#until = began + renewDeadline;
    this.#seen = { version: written.metadata.resourceVersion, at: began };
    return written;
  }

  /** Gives the lease back, so that other processes need not wait until it runs out. */
  async #release(): Promise<void> {
    const { identity, log } = this.#options;
    if (!this.leading) return;
    this.#until = Number.NEGATIVE_INFINITY;
    try {
      const known = await readLease(this.#options, { timeout: RELEASE_TIMEOUT });
      if (known?.spec?.holderIdentity !== identity) return;
      const spec = { ...known.spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await writeLease(this.#options, known, spec, { timeout: RELEASE_TIMEOUT });
    } catch (error) {
      log.warn({ err: error }, "lease not released");
    }
  }

  /** One call gets half of renewDeadline, so that a call that hangs leaves time for another; a renewal ends with the term. */
  #bounds(signal: AbortSignal): Bounds {
    const half = this.#options.renewDeadline / 2;
    return { signal, timeout: this.leading ? Math.min(half, this.remaining) : half };
  }

  /** Logs one line for an outage, however long it is. */
  #failed(error: unknown): void {
    if (!this.#failing) this.#options.log.warn({ err: error }, "lease not read or written; trying again");
    this.#failing = true;
  }
}

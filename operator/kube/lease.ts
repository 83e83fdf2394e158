import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/pause.ts";
import { isStatus } from "./api-error.ts";
import type { KubeClient } from "./client.ts";
import { KINDS, pathOf } from "./kinds.ts";

export interface ElectionOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  /** Unique to this process. */
  readonly identity: string;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** A lease that nobody renewed for this long may be taken; ms. */
  readonly duration?: number;
  /** Who could not renew for this long stops to lead; shorter than `duration` by more than a call may take; ms. */
  readonly renewDeadline?: number;
  /** Between two looks; ms. */
  readonly retry?: number;
}

interface LeaseSpec {
  holderIdentity?: string | null;
  leaseDurationSeconds?: number | null;
  acquireTime?: string | null;
  renewTime?: string | null;
  leaseTransitions?: number | null;
}

interface Lease {
  readonly metadata: { readonly name: string; readonly namespace: string; readonly resourceVersion?: string };
  readonly spec?: LeaseSpec;
}

/**
 * One of several processes leads, by a Lease. Whether somebody else's lease has run out is judged by our own clock since
 * we last saw it change, never by the times written in it: clocks of machines differ.
 */
export class Election {
  readonly #options: Required<ElectionOptions>;
  /** The lease as we last saw it, and when it last changed. */
  #seen: { readonly version: string; readonly at: number } | undefined;
  #leading = false;

  constructor(options: ElectionOptions) {
    this.#options = { duration: 15_000, renewDeadline: 10_000, retry: 2000, ...options };
  }

  get leading(): boolean {
    return this.#leading;
  }

  /**
   * Leads again and again until aborted: `lead` is called with a signal that aborts before anybody else can lead, and is
   * awaited before the next try. The lease is given back at the end.
   */
  async run(signal: AbortSignal, lead: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const { clock, random, log, retry, identity } = this.#options;
    while (!signal.aborted) {
      const lease = await this.#try(signal);
      if (lease === undefined) {
        await pause(retry * (1 + 0.2 * random()), clock, signal);
        continue;
      }
      this.#leading = true;
      log.info({ identity }, "leading");
      const lost = new AbortController();
      const term = AbortSignal.any([signal, lost.signal]);
      const renewing = this.#renew(lease, term).finally(() => lost.abort());
      await lead(term).finally(() => lost.abort());
      const last = await renewing;
      this.#leading = false;
      log.info({ identity }, "not leading any more");
      if (last !== undefined) await this.#release(last);
    }
  }

  /** Takes the lease if it is free; undefined if it is not, or cannot be told. */
  async #try(signal: AbortSignal): Promise<Lease | undefined> {
    const { clock, log, duration, identity } = this.#options;
    try {
      const known = await this.#read(signal);
      if (known === undefined) return await this.#write(undefined, signal);
      const version = known.metadata.resourceVersion ?? "";
      if (this.#seen?.version !== version) this.#seen = { version, at: clock.now() };
      const holder = known.spec?.holderIdentity ?? "";
      const free = holder === "" || holder === identity || clock.now() - this.#seen.at >= duration;
      return free ? await this.#write(known, signal) : undefined;
    } catch (error) {
      if (!signal.aborted && !isStatus(error, 409)) log.warn({ err: error }, "leader election failed");
      return undefined;
    }
  }

  /** Keeps the lease; resolves when the term ends, with the lease as it then is, or undefined where it was lost. */
  async #renew(first: Lease, term: AbortSignal): Promise<Lease | undefined> {
    const { clock, log, retry, renewDeadline } = this.#options;
    let lease = first;
    let renewed = clock.now();
    while (!term.aborted) {
      await pause(Math.max(0, Math.min(retry, renewed + renewDeadline - clock.now())), clock, term);
      if (term.aborted) return lease;
      const began = clock.now();
      if (began - renewed >= renewDeadline) return undefined;
      try {
        // A call that is still under way at the deadline has failed: nobody must lead in the belief that it succeeds.
        lease = await this.#write(lease, AbortSignal.any([term, this.#timeout(renewed + renewDeadline - began)]));
        renewed = began;
      } catch (error) {
        if (term.aborted) return lease;
        log.warn({ err: error }, "lease not renewed");
        if (isStatus(error, 409) || isStatus(error, 404)) return undefined;
      }
    }
    return lease;
  }

  #timeout(ms: number): AbortSignal {
    const controller = new AbortController();
    this.#options.clock.after(Math.max(1, ms), () => controller.abort());
    return controller.signal;
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, namespace, name, renewDeadline } = this.#options;
    try {
      return await client.request<Lease>({ path: pathOf(KINDS.Lease, namespace, name), signal, timeout: renewDeadline });
    } catch (error) {
      if (isStatus(error, 404)) return undefined;
      throw error;
    }
  }

  /** Writes our name into the lease, on the version that we saw: whoever was quicker wins. */
  async #write(known: Lease | undefined, signal: AbortSignal): Promise<Lease> {
    const { clock, duration, identity } = this.#options;
    const now = microTime(clock.wall());
    const mine = known?.spec?.holderIdentity === identity;
    return this.#put(known, signal, {
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(duration / 1000),
      acquireTime: mine ? (known.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (known?.spec?.leaseTransitions ?? 0) + (mine || known === undefined ? 0 : 1),
    });
  }

  /** Nobody has to wait for a lease that its holder has no use for. */
  async #release(lease: Lease): Promise<void> {
    const { log } = this.#options;
    try {
      const spec = { ...lease.spec, holderIdentity: "", leaseDurationSeconds: 1 };
      await this.#put(lease, AbortSignal.timeout(2000), spec);
    } catch (error) {
      log.warn({ err: error }, "lease not released");
    }
  }

  #put(known: Lease | undefined, signal: AbortSignal, spec: LeaseSpec): Promise<Lease> {
    const { client, namespace, name } = this.#options;
    const { apiVersion, kind } = KINDS.Lease;
    const version = known?.metadata.resourceVersion;
    const metadata = { namespace, name, ...(version === undefined ? {} : { resourceVersion: version }) };
    return client.request<Lease>({
      method: known === undefined ? "POST" : "PUT",
      path: pathOf(KINDS.Lease, namespace, known === undefined ? undefined : name),
      body: { apiVersion, kind, metadata, spec },
      signal,
    });
  }
}

/** Kubernetes' MicroTime: six digits. */
function microTime(wall: number): string {
  return new Date(wall).toISOString().replace("Z", "000Z");
}

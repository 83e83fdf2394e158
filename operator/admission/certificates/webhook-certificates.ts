import type { Clock } from "../../../runtime/clock.ts";
import type { Log } from "../../../runtime/log.ts";
import { pause } from "../../../runtime/loop/pause.ts";
import { isStatus } from "../../kube/api-error.ts";
import type { Caller } from "../../kube/call.ts";
import { Custody } from "./custody.ts";
import type { Pair } from "./pair.ts";
import { pairToServe } from "./pair-to-serve.ts";
import { readSecret, type PairsSecret } from "./pairs-secret.ts";
import { pairsIn, type StoredPairs } from "./stored-pairs.ts";
import { Trust } from "./trust.ts";
import { readBundle, type ReadBundle } from "./webhook-configuration.ts";

export interface WebhookCertificatesOptions {
  readonly client: Caller;
  readonly clock: Clock;
  readonly log: Log;
  /** Of the operator: of its Secret and its Service. */
  readonly namespace: string;
  readonly secret: string;
  readonly service: string;
  /** Name of the MutatingWebhookConfiguration. */
  readonly configuration: string;
  /** `secret`: another controller writes Secret and bundle, we only read. */
  readonly source: "operator" | "secret";
  /** Is this process the one that writes? */
  readonly leading: () => boolean;
}

/** From one look at the Secret, and for a leader at the webhook configuration, to the next; ms. */
const POLL = 5000;
/** The same while the process cannot serve before another one has written; ms. */
const AWAITED = 500;
/** How long a replica that does not lead waits to be usable, before it no longer holds up the others; ms. */
const PATIENCE = 30_000;
/** Steps in one look: issue and trust, or promote and trust. A writer that undoes each of them brings no more. */
const STEPS = 4;

/**
 * The certificate that the webhook serves. Every replica serves the current pair of the Secret, which it reads every 5 s; a
 * Secret that it cannot read or use leaves it the last one. The replica that leads issues pairs and keeps the bundle.
 */
export class WebhookCertificates {
  readonly #options: WebhookCertificatesOptions;
  /** The name that a usable certificate is for; undefined: any, another controller knows better. */
  readonly #host: string | undefined;
  readonly #custody: Custody | undefined;
  readonly #trust = new Trust();
  readonly #listeners = new Set<() => void>();
  /** What is wrong, by where: a log line is written when it begins. */
  readonly #troubles = new Map<string, string>();
  /** On the monotonic clock. */
  #began: number | undefined;
  /** Aborted: it is over before its time. */
  #rest = new AbortController();
  #served: Pair | undefined;
  #secret: PairsSecret | undefined;
  #stored: StoredPairs = { current: undefined, next: undefined };

  constructor(options: WebhookCertificatesOptions) {
    this.#options = options;
    if (options.source === "secret") return;
    // The API server asks for this name. `.svc.cluster.local` is a name for pods, and differs from cluster to cluster.
    const host = (this.#host = `${options.service}.${options.namespace}.svc`);
    this.#custody = new Custody({ ...options, host });
  }

  /** PEM; undefined: there was no pair yet. */
  get current(): { readonly key: string; readonly cert: string } | undefined {
    return this.#served;
  }

  /** When `current` expires; ms since the epoch. */
  get expiry(): number | undefined {
    return this.#served?.notAfter;
  }

  /** False: an API server that calls would refuse `current`, or this process does not know yet. */
  get trusted(): boolean {
    return this.#custody === undefined || this.#trust.given;
  }

  /**
   * No replica has what this one has waited for, and only a leader can write it: the one that leads may be of a version or of
   * settings without it, and stay for as long as this one is not ready.
   */
  get isInVain(): boolean {
    const waited = this.#began === undefined ? 0 : this.#options.clock.now() - this.#began;
    const isRead = !this.#troubles.has("Secret") && !this.#troubles.has("webhook configuration");
    return this.#custody !== undefined && waited >= PATIENCE && isRead && this.#waits;
  }

  /** What is wrong now, a sentence each. */
  get troubles(): readonly string[] {
    return [...this.#troubles.values()];
  }

  /** Calls `listener` whenever `current` has changed. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Looks until aborted. Never rejects: a look that fails is made again. */
  async run(signal: AbortSignal): Promise<void> {
    this.#began = this.#options.clock.now();
    signal.addEventListener("abort", () => this.look(), { once: true });
    while (!signal.aborted) {
      this.#rest = new AbortController();
      const rest = await this.#look(signal);
      await pause(Math.min(rest, this.#waits ? AWAITED : POLL), this.#options.clock, this.#rest.signal);
    }
  }

  /** Looks at once, as a replica does that has just begun to lead: no bundle may stand for its certificate yet. */
  look(): void {
    this.#rest.abort();
  }

  /** Another process is to write what this one cannot serve without. */
  get #waits(): boolean {
    const writes = this.#custody !== undefined && this.#options.leading();
    return !writes && (this.#served === undefined || !this.trusted);
  }

  /** Resolves with how long to rest; ms. */
  async #look(signal: AbortSignal): Promise<number> {
    for (let step = 0; step < STEPS && !signal.aborted; step += 1) {
      if (!(await this.#try("Secret", signal, () => this.#readSecret(signal)))) return POLL;
      const custody = this.#custody;
      if (custody === undefined) return POLL;
      if (!this.#options.leading()) {
        custody.pass();
        this.#trouble("webhook", undefined);
        if (this.#trust.seen) this.#trouble("webhook configuration", undefined);
        else await this.#try("webhook configuration", signal, async () => void (await this.#readBundle(signal)));
        return POLL;
      }
      let rest: number | undefined;
      const went = await this.#try("webhook configuration", signal, async () => {
        const found = await this.#readBundle(signal);
        const read = { secret: this.#secret, stored: this.#stored, served: this.#served, found };
        rest = await custody.step(read, signal);
      });
      if (!went) return POLL;
      this.#trouble("webhook", custody.trouble);
      if (rest !== undefined) return rest;
    }
    return POLL;
  }

  async #readSecret(signal: AbortSignal): Promise<void> {
    const { client, namespace, secret: name, clock } = this.#options;
    const secret = await readSecret(client, namespace, name, signal);
    const isRead = secret !== undefined && secret.metadata.resourceVersion === this.#secret?.metadata.resourceVersion;
    if (!isRead) this.#stored = pairsIn(secret?.data, this.#host);
    this.#secret = secret;
    this.#serve(pairToServe(this.#stored, this.#served, clock.wall()));
    if (this.#custody === undefined && this.#stored.current === undefined)
      throw new Error(`the Secret ${name} has no certificate with its key`);
  }

  async #readBundle(signal: AbortSignal): Promise<ReadBundle | undefined> {
    const { client, configuration, clock } = this.#options;
    try {
      const found = await readBundle(client, configuration, signal);
      this.#trust.look(found, this.#served, clock.wall());
      return found;
    } catch (error) {
      this.#trust.failed(error);
      throw error;
    }
  }

  #serve(pair: Pair | undefined): void {
    if (pair === undefined || (pair.cert === this.#served?.cert && pair.key === this.#served.key)) return;
    this.#served = pair;
    this.#options.log.info({ expires: new Date(pair.notAfter).toISOString() }, "webhook certificate in use");
    for (const listener of this.#listeners) listener();
  }

  /** Does it succeed? A failure is logged once for as long as it lasts. */
  async #try(where: string, signal: AbortSignal, attempt: () => Promise<void>): Promise<boolean> {
    try {
      await attempt();
      this.#trouble(where, undefined);
      return true;
    } catch (error) {
      // Another replica wrote in the same moment: the next look sees what.
      if (!signal.aborted && !isStatus(error, 409)) this.#trouble(where, `${where}: ${(error as Error).message}`);
      return false;
    }
  }

  #trouble(where: string, words: string | undefined): void {
    if (words === undefined) this.#troubles.delete(where);
    else {
      if (!this.#troubles.has(where)) this.#options.log.warn({ trouble: words }, "webhook certificate: looking again");
      this.#troubles.set(where, words);
    }
  }
}

import type { Clock, Timer } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { Refusal } from "../rejection.ts";
import { FetchFault, type Fetch } from "./guarded-fetch.ts";
import type { KeySource } from "./key-source.ts";
import {
  namedKeys,
  parseKeySet,
  unnamedKeys,
  whyNoKey,
  type KeyChoice,
  type KeySet,
  type VerificationKey,
} from "./keys.ts";
import { jittered, MAX_STALE, waitFor } from "./patience.ts";

/** A set is asked for again when it is older than this, more or less a tenth. */
export const REFRESH_INTERVAL = 300_000;
/** As above, where the last request failed. */
export const RETRY_INTERVAL = 60_000;
/** Between two requests, whatever the reason: tokens with made-up key ids do not hammer the issuer. */
export const REFRESH_COOLDOWN = 10_000;
/** If no token has asked for this long, the next one waits for the newest set: a key may have been withdrawn meanwhile. */
export const LONG_UNASKED = 2 * REFRESH_INTERVAL;

/** Where a key set is published. */
export interface KeySetLocation {
  readonly issuer: string;
  readonly uri: string;
  readonly allowHttp: boolean;
}

interface Loaded {
  readonly keys: readonly VerificationKey[];
  readonly at: number;
}

/**
 * The key set that an issuer publishes. A good answer replaces it whole; a bad one leaves it as it is. Refreshed when a
 * token asks, and by a timer only while a session watches: a set that is not used does nothing.
 */
export class RemoteKeySet implements KeySource {
  readonly #location: KeySetLocation;
  readonly #fetch: Fetch;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #watchers = new Set<() => void>();
  #loaded: Loaded | undefined;
  #dueAt = Number.NEGATIVE_INFINITY;
  #askedAt = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #failing = false;
  /** The newest set has no key that can verify. */
  #useless = false;
  #timer: Timer | undefined;

  constructor(location: KeySetLocation, fetch: Fetch, clock: Clock, log: Log) {
    this.#location = location;
    this.#fetch = fetch;
    this.#clock = clock;
    this.#log = log;
  }

  async find(choice: KeyChoice, signal: AbortSignal): Promise<readonly VerificationKey[] | Refusal> {
    const unasked = this.#clock.now() - this.#askedAt > LONG_UNASKED;
    if (this.#usable() === undefined || unasked) await waitFor(this.#ask(), signal);
    else void this.#refresh();
    const known = namedKeys(this.#usable() ?? [], choice);
    if (known.length > 0) return known;
    const nameless = unnamedKeys(this.#usable() ?? [], choice);
    if (this.#failing && nameless.length > 0) {
      void this.#ask();
      return nameless;
    }
    // The newest set may have the key by its name: only then keys without a name are tried.
    await waitFor(this.#ask(), signal);
    const keys = this.#usable();
    const fetched = namedKeys(keys ?? [], choice);
    const found = fetched.length > 0 ? fetched : unnamedKeys(keys ?? [], choice);
    if (found.length > 0) return found;
    // Only an issuer that answered has said that it does not know the key.
    if (keys === undefined || this.#failing) return this.#unavailable();
    return { reason: "CredentialInvalid", cause: whyNoKey(keys, choice) };
  }

  holds(id: string): boolean | undefined {
    return this.#loaded?.keys.some((key) => key.id === id);
  }

  watch(changed: () => void): () => void {
    const watcher = (): void => changed();
    this.#watchers.add(watcher);
    this.#arm();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    };
  }

  #arm(): void {
    if (this.#timer !== undefined || this.#watchers.size === 0) return;
    const at = Math.max(this.#dueAt, this.#askedAt + REFRESH_COOLDOWN);
    this.#timer = this.#clock.after(Math.max(0, at - this.#clock.now()), () => {
      this.#timer = undefined;
      void this.#refresh().then(() => this.#arm());
    });
  }

  #usable(): readonly VerificationKey[] | undefined {
    const loaded = this.#loaded;
    return loaded === undefined || this.#clock.now() - loaded.at > MAX_STALE ? undefined : loaded.keys;
  }

  #unavailable(): Refusal {
    const wait = (this.#askedAt + REFRESH_COOLDOWN - this.#clock.now()) / 1000;
    return {
      reason: "IdentityProviderUnavailable",
      retryAfter: Math.max(1, Math.ceil(wait)),
      cause: "the key set could not be fetched",
    };
  }

  async #refresh(): Promise<void> {
    if (this.#clock.now() >= this.#dueAt) await this.#ask();
  }

  /** Asks the issuer, or joins the question that is under way; at most one request in a cooldown. Never rejects. */
  #ask(): Promise<void> {
    if (this.#asking !== undefined) return this.#asking;
    const now = this.#clock.now();
    if (now - this.#askedAt < REFRESH_COOLDOWN) return Promise.resolve();
    this.#askedAt = now;
    this.#asking = this.#load().finally(() => (this.#asking = undefined));
    return this.#asking;
  }

  async #load(): Promise<void> {
    const outcome = await this.#download();
    const now = this.#clock.now();
    const failed = typeof outcome === "string";
    this.#report(failed ? outcome : undefined);
    this.#dueAt = now + jittered(failed ? RETRY_INTERVAL : REFRESH_INTERVAL);
    if (failed) return;
    this.#reportUse(outcome);
    this.#loaded = { keys: outcome.keys, at: now };
    for (const changed of [...this.#watchers]) changed();
  }

  /** The key set, or a word on why there is none. */
  async #download(): Promise<KeySet | string> {
    const { uri, allowHttp } = this.#location;
    try {
      const headers = { accept: "application/jwk-set+json, application/json" };
      const { status, body } = await this.#fetch({ url: uri, allowHttp, headers });
      if (status !== 200) return `status ${status}`;
      return parseKeySet(body.toString("utf8")) ?? "the answer is no key set";
    } catch (error) {
      return error instanceof FetchFault ? error.message : "the request could not be made";
    }
  }

  #report(fault: string | undefined): void {
    const failing = fault !== undefined;
    if (failing === this.#failing) return;
    this.#failing = failing;
    const fields = { issuer: this.#location.issuer };
    if (failing) this.#log.warn({ ...fields, fault }, "key set could not be fetched");
    else this.#log.info(fields, "key set fetched again");
  }

  /** One line when no key of the set can verify any token, and one when that is over. */
  #reportUse({ keys, leftOut }: KeySet): void {
    const useless = keys.length === 0;
    if (useless === this.#useless) return;
    this.#useless = useless;
    const { issuer } = this.#location;
    if (useless) this.#log.warn({ issuer, fault: whyUseless(leftOut) }, "key set has no usable key");
    else this.#log.info({ issuer }, "key set has a usable key again");
  }
}

/** Such as `3 keys left out: 2 symmetric, 1 for another use`. */
function whyUseless(leftOut: KeySet["leftOut"]): string {
  if (leftOut.length === 0) return "it is empty";
  const counts = [...Map.groupBy(leftOut, (why) => why)].map(([why, { length }]) => `${length} ${why}`);
  return `${leftOut.length} ${leftOut.length === 1 ? "key" : "keys"} left out: ${counts.join(", ")}`;
}

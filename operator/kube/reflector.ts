import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { ApiError, isStatus, wishedWait } from "./api-error.ts";
import { BackOff } from "./back-off.ts";
import type { Watcher } from "./call.ts";
import { list, retainedOf, watchCall, type Collection } from "./collection.ts";
import { keyOf, type KubeObject } from "./kinds.ts";
import { Expired, longEvent, watchEvent, WatchFailure } from "./watch-events.ts";
import { LongLine, watchLines } from "./watch-lines.ts";

/** What a reflector watches, and which functions it calls on changes. */
export interface ReflectorOptions<T extends KubeObject> extends Collection {
  readonly client: Watcher;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** Called for each object that appeared (no `before`), changed or went away (no `now`), once `objects` shows it; must not throw. */
  readonly changed: (now: T | undefined, before: T | undefined) => void;
  /** Called before each list or watch that is not the first, whatever ended the one before. */
  readonly restarted: () => void;
}

/** The server ends a watch after this time and up to twice as much; seconds. */
const WATCH_SECONDS = 300;
/** A watch without a line, not even a bookmark, for this long is dead; ms. */
const SILENCE = 150_000;
/** Shortest time between two starts; ms. */
const LEAST_WAIT = 1000;
/** Longest wait after failures; ms. After an outage, a permission that was revoked meanwhile lasts so much longer. */
const LONGEST_WAIT = 10_000;

/** How a watch, or the list before it, ended. */
interface WatchEnd {
  /** How long the watch was open; ms. */
  readonly lived: number;
  /** The watch was to resume from a version that the server no longer has. */
  readonly outlived: boolean;
  /** Milliseconds that the server asks to wait. */
  readonly wish: number;
}

/**
 * Maintains a copy of a collection: lists it, then watches it, and resumes where a watch ended. Where it cannot resume, it
 * lists again, and so notices deletions too. It makes one list or watch at a time, and starts at most one a second.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #objects = new Map<string, T>();
  /** The version from which a watch resumes; undefined: the collection has to be listed first. */
  #version: string | undefined;
  #synced = false;
  #waiting: (() => void)[] = [];

  constructor(options: ReflectorOptions<T>) {
    this.#options = options;
  }

  /** `namespace/name` → object. */
  get objects(): ReadonlyMap<string, T> {
    return this.#objects;
  }

  /** Has the first list been read? */
  get synced(): boolean {
    return this.#synced;
  }

  /** Resolves when the first list has been read, or `run` has ended. */
  whenSynced(): Promise<void> {
    return this.#synced ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Runs until aborted; no failure of the API server or the network makes it reject. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, restarted } = this.#options;
    const backOff = new BackOff(LEAST_WAIT, LONGEST_WAIT, random);
    try {
      while (!signal.aborted) {
        const began = clock.now();
        const { lived, outlived, wish } = await this.#once(signal);
        if (signal.aborted) return;
        // A server that answers 410 works again: after an outage it often no longer has the version to resume from.
        if (lived >= LEAST_WAIT || outlived) backOff.reset();
        // After a watch that lived long the next one follows at once.
        const wait = lived >= LONGEST_WAIT ? 0 : backOff.next();
        await pause(Math.max(wait, wish, LEAST_WAIT - (clock.now() - began)), clock, signal);
        if (!signal.aborted) restarted();
      }
    } finally {
      this.#release();
    }
  }

  /** One watch, with a list before it where there is no version to resume from. */
  async #once(signal: AbortSignal): Promise<WatchEnd> {
    const { clock, log, kind, namespace } = this.#options;
    const resumed = this.#version !== undefined;
    let opened: number | undefined;
    let outlived = false;
    let wish = 0;
    try {
      this.#version ??= await this.#list(signal);
      const body = await this.#open(this.#version, signal);
      opened = clock.now();
      for await (const line of watchLines(body, clock, SILENCE)) this.#take(line);
    } catch (error) {
      if (!(error instanceof ApiError || error instanceof WatchFailure)) throw error;
      const expired = error instanceof Expired || isStatus(error, 410);
      if (expired) this.#version = undefined;
      outlived = expired && resumed;
      wish = error instanceof ApiError ? wishedWait(error) : error.retryAfter;
      if (!signal.aborted) log[expired ? "info" : "warn"]({ kind: kind.kind, namespace, err: error }, "watch ended");
    }
    return { lived: opened === undefined ? 0 : clock.now() - opened, outlived, wish };
  }

  async #list(signal: AbortSignal): Promise<string> {
    const { items, resourceVersion } = await list<T>(this.#options.client, this.#options, signal);
    const seen = new Map(items.map((item) => [keyOf(item), item]));
    for (const key of [...this.#objects.keys()]) if (!seen.has(key)) this.#put(key, undefined);
    for (const [key, now] of seen) {
      if (this.#objects.get(key)?.metadata.resourceVersion !== now.metadata.resourceVersion) this.#put(key, now);
    }
    this.#synced = true;
    this.#release();
    return resourceVersion;
  }

  #open(version: string, signal: AbortSignal): ReturnType<Watcher["stream"]> {
    const seconds = Math.round(WATCH_SECONDS * (1 + this.#options.random()));
    return this.#options.client.stream(watchCall(this.#options, version, seconds), signal);
  }

  #take(line: string | LongLine): void {
    if (line instanceof LongLine) return this.#skip(line);
    const event = watchEvent<T>(line);
    if (event.type === "BOOKMARK") {
      this.#version = event.resourceVersion;
      return;
    }
    const object = retainedOf(event.object, this.#options);
    this.#version = object.metadata.resourceVersion;
    this.#put(keyOf(object), event.type === "DELETED" ? undefined : object);
  }

  /** An object that is too large to read counts as absent, so that its former version admits no client. */
  #skip({ start }: LongLine): void {
    const { log, kind } = this.#options;
    const { key, resourceVersion } = longEvent(start);
    log.error({ kind: kind.kind, object: key }, "object is too large to be read, and left out");
    this.#version = resourceVersion;
    this.#put(key, undefined);
  }

  #put(key: string, now: T | undefined): void {
    const before = this.#objects.get(key);
    if (now === undefined) this.#objects.delete(key);
    else this.#objects.set(key, now);
    if (now !== undefined || before !== undefined) this.#options.changed(now, before);
  }

  #release(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }
}

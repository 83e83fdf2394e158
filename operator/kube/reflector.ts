import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { pause } from "../../runtime/pause.ts";
import { ApiError } from "./api-error.ts";
import { BackOff } from "./back-off.ts";
import type { KubeClient } from "./client.ts";
import { keyOf, pathOf, type Kind, type KubeObject } from "./kinds.ts";
import { watchLines } from "./watch-lines.ts";

export interface ReflectorOptions<T extends KubeObject> {
  readonly client: KubeClient;
  readonly kind: Kind;
  /** undefined: all namespaces. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  /** Only metadata is fetched and kept: for kinds whose data is nobody's business until it is referred to. */
  readonly metadataOnly?: boolean;
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Log;
  /** An object appeared, changed or went away. Called after `objects` has it. */
  readonly changed: (now: T | undefined, before: T | undefined) => void;
  /** A watch ended and another one begins. */
  readonly restarted: () => void;
}

const PAGE = 500;
/** The server ends a watch after this time, more or less; seconds. */
const WATCH_SECONDS = 300;
/** No line, not even a bookmark, for this long: the connection is dead. */
const SILENCE = 150_000;
const LEAST_WAIT = 1000;
const LONGEST_WAIT = 30_000;

interface WatchEvent<T> {
  readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR";
  readonly object: T & { readonly code?: number; readonly message?: string };
}

/** The state has to be listed anew. */
class Expired extends Error {}

/**
 * Keeps a copy of all objects of a kind: lists, then watches from there, and resumes where a watch ended. What cannot be
 * resumed is listed anew, and deletions made meanwhile are noticed.
 */
export class Reflector<T extends KubeObject> {
  readonly #options: ReflectorOptions<T>;
  readonly #objects = new Map<string, T>();
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

  /** The first list has been read. */
  get synced(): boolean {
    return this.#synced;
  }

  whenSynced(): Promise<void> {
    return this.#synced ? Promise.resolve() : new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Runs until aborted; never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, log, kind, restarted } = this.#options;
    const backOff = new BackOff(LEAST_WAIT, LONGEST_WAIT, random);
    while (!signal.aborted) {
      const began = clock.now();
      try {
        if (this.#version === undefined) await this.#list(signal);
        await this.#watch(signal);
        // A watch that the server ended after its time is business as usual.
        if (clock.now() - began >= LEAST_WAIT) backOff.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Expired || (error instanceof ApiError && error.status === 410)) this.#version = undefined;
        else log.warn({ kind: kind.kind, err: error }, "watch failed");
        if (clock.now() - began >= LONGEST_WAIT) backOff.reset();
      }
      if (signal.aborted) return;
      restarted();
      await pause(waitOf(backOff.next(), began, clock.now()), clock, signal);
    }
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { client, kind, namespace, labelSelector, metadataOnly } = this.#options;
    const seen = new Map<string, T>();
    let token: string | undefined;
    let version = "";
    do {
      const page: { metadata: { resourceVersion: string; continue?: string }; items: T[] } = await client.request({
        path: pathOf(kind, namespace),
        query: { limit: PAGE, continue: token, labelSelector },
        signal,
        ...(metadataOnly === true ? { accept: acceptMetadata("PartialObjectMetadataList") } : {}),
      });
      for (const item of page.items) seen.set(keyOf(item), item);
      version = page.metadata.resourceVersion;
      token = page.metadata.continue === "" ? undefined : page.metadata.continue;
    } while (token !== undefined);
    for (const [key, before] of [...this.#objects]) if (!seen.has(key)) this.#put(key, undefined, before);
    for (const [key, now] of seen) {
      const before = this.#objects.get(key);
      if (before?.metadata.resourceVersion !== now.metadata.resourceVersion) this.#put(key, now, before);
    }
    this.#version = version;
    this.#synced = true;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { client, kind, namespace, labelSelector, metadataOnly, clock, random } = this.#options;
    const body = await client.stream(
      {
        path: pathOf(kind, namespace),
        query: {
          watch: true,
          resourceVersion: this.#version,
          allowWatchBookmarks: true,
          timeoutSeconds: Math.round(WATCH_SECONDS * (1 + random())),
          labelSelector,
        },
        ...(metadataOnly === true ? { accept: acceptMetadata("PartialObjectMetadata") } : {}),
      },
      signal,
    );
    for await (const line of watchLines(body, clock, SILENCE)) {
      if (signal.aborted) return;
      this.#event(eventOf<T>(line));
    }
  }

  #event({ type, object }: WatchEvent<T>): void {
    if (type === "ERROR") {
      if (object.code === 410) throw new Expired();
      throw new Error(`the watch was refused: ${object.message ?? "no word why"}`);
    }
    this.#version = object.metadata.resourceVersion;
    if (type === "BOOKMARK") return;
    const key = keyOf(object);
    const before = this.#objects.get(key);
    this.#put(key, type === "DELETED" ? undefined : object, before);
  }

  #put(key: string, now: T | undefined, before: T | undefined): void {
    if (now === undefined) this.#objects.delete(key);
    else this.#objects.set(key, now);
    if (now !== undefined || before !== undefined) this.#options.changed(now, before);
  }
}

/** A line that cannot be read leaves it open what happened: everything is listed anew. */
function eventOf<T>(line: string): WatchEvent<T> {
  let event: unknown;
  try {
    event = JSON.parse(line);
  } catch (cause) {
    throw new Expired("a line of the watch is not JSON", { cause });
  }
  const { type, object } = event as { type?: unknown; object?: { metadata?: unknown } };
  if (typeof type !== "string" || typeof object !== "object") throw new Expired("a line of the watch is no event");
  if (type !== "ERROR" && typeof object.metadata !== "object") throw new Expired("a line of the watch has no object");
  return event as WatchEvent<T>;
}

/** A watch that lived longer than the wait is followed by another at once, but never more often than one a second. */
function waitOf(wait: number, began: number, now: number): number {
  return Math.max(now - began > LONGEST_WAIT ? 0 : wait, LEAST_WAIT - (now - began));
}

function acceptMetadata(as: string): string {
  return `application/json;as=${as};g=meta.k8s.io;v=v1`;
}

import { DEBUG } from "../../api/debug.ts";
import type { AdminSink } from "../../runtime/admin-port/admin-endpoint.ts";
import { eventText } from "../../runtime/admin-port/event-text.ts";
import { follow, type FollowTimes, type PlaceEvent } from "../live/follow.ts";
import { failureIn, LiveFailure } from "../live/live-failure.ts";
import type { Place, Target } from "../live/target.ts";
import { passedOn, troubleLine, withPod } from "./event-line.ts";
import { KeptRefusals } from "./kept-refusals.ts";
import type { ToldFailure } from "./told-failure.ts";

/** What a feed asks each pod for. */
export type FeedQuery = Readonly<Record<string, string>>;

/** How long a feed goes on without a page, in ms: one that is loaded anew finds it open. */
const LINGER = 5000;
/** Troubles of no single pod that a page is told which comes later. */
const MOST_TROUBLES = 20;

/** Proxies that the first event names. */
const MOST_PROXIES = 64;

/** What each pod says first. */
interface Beginning {
  readonly proxies: readonly string[];
  readonly payload: boolean;
}

/** One stream of each pod, for any number of pages. */
export class EventFeed {
  /** Resolves when a first stream is open; rejects with LiveFailure where none can be opened. */
  readonly begun: Promise<void>;
  readonly #target: Target;
  readonly #ended: () => void;
  readonly #stop = new AbortController();
  readonly #sinks = new Set<AdminSink>();
  readonly #refusals = new KeptRefusals();
  readonly #beginnings = new Map<string, Beginning>();
  /** A pod has said its first event: until then a page is told nothing of `watching`. */
  #told = false;
  #troubles: string[] = [];
  #pods: readonly string[] = [];
  /** There were pods, and none of them is watched any more. */
  #lost = false;
  /** Pods that are there and cannot be watched, by id. */
  readonly #silent = new Map<string, ToldFailure>();
  #heartbeat: NodeJS.Timeout;
  #linger: NodeJS.Timeout | undefined;

  /** `ended` is called once, when the feed is over. */
  constructor(target: Target, query: FeedQuery, signal: AbortSignal, ended: () => void, times?: FollowTimes) {
    this.#target = target;
    this.#ended = ended;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.begun = promise;
    // The page that asked may have left meanwhile.
    promise.then(
      () => this.#idle(),
      () => {},
    );
    this.#heartbeat = setInterval(() => this.#write(":\n\n"), DEBUG.heartbeat);
    const follower = {
      event: (event: PlaceEvent) => this.#take(event),
      watching: (places: readonly Place[], followed: readonly Place[]) => {
        if (places.length > 0) resolve();
        this.#watching(places, followed);
      },
      trouble: (failure: LiveFailure) => this.#trouble(failure),
      silent: (place: Place, failure: LiveFailure) => this.#failed(place, failure),
    };
    const both = AbortSignal.any([signal, this.#stop.signal]);
    void follow(target, { path: "/debug/events", query }, follower, both, times)
      .catch((error: unknown) => reject(failureIn(error)))
      .finally(() => {
        reject(new LiveFailure("Unreachable", "the stream was ended"));
        this.#end();
      });
  }

  /** Begins a page's stream; the returned function ends it. */
  join(sink: AdminSink): () => void {
    if (this.#stop.signal.aborted) {
      sink.end();
      return () => {};
    }
    clearTimeout(this.#linger);
    if (this.#told) sink.write(this.#beginning());
    if (this.#target.single) for (const { message } of this.#silent.values()) sink.write(troubleLine({ message }));
    for (const trouble of this.#troubles) sink.write(trouble);
    for (const past of this.#refusals.events) sink.write(eventText("handshake", past));
    this.#sinks.add(sink);
    return () => {
      this.#sinks.delete(sink);
      this.#idle();
    };
  }

  #take(event: PlaceEvent): void {
    if (event.name === "watching") {
      this.#beginnings.set(event.place.id, beginningOf(event.data));
      this.#told = true;
      this.#write(this.#beginning());
      return;
    }
    const text = passedOn(event, this.#target);
    if (text === undefined) return;
    this.#write(text);
    this.#refusals.take(event.name, withPod(event, this.#target), text.length);
  }

  /** Proxies of all pods, payload where every one of them shows it; in a cluster, which pods are watched and which cannot be. */
  #beginning(): string {
    const all = [...this.#beginnings.values()];
    const proxies = [...new Set(all.flatMap((one) => one.proxies))].slice(0, MOST_PROXIES);
    const at = new Date().toISOString();
    const watching = eventText("watching", { at, proxies, payload: all.length > 0 && all.every((one) => one.payload) });
    const failures = [...this.#silent.values()];
    return this.#target.single ? watching : watching + eventText("pods", { at, pods: this.#pods, failures });
  }

  #watching(places: readonly Place[], followed: readonly Place[]): void {
    // Pods are found again: what was told of all of them is over.
    if (this.#lost && places.length > 0) this.#troubles = [];
    this.#lost = places.length === 0;
    this.#pods = places.map(({ name }) => name);
    const ids = new Set(places.map(({ id }) => id));
    for (const id of this.#beginnings.keys()) if (!ids.has(id)) this.#beginnings.delete(id);
    const there = new Set(followed.map(({ id }) => id));
    for (const id of this.#silent.keys()) if (ids.has(id) || !there.has(id)) this.#silent.delete(id);
    if (this.#told) this.#write(this.#beginning());
  }

  /** The same words of a pod are told once, until it can be watched again. */
  #failed({ id, name }: Place, { message }: LiveFailure): void {
    if (this.#silent.get(id)?.message === message) return;
    this.#silent.set(id, { pod: name, message });
    this.#write(troubleLine({ message }, this.#target.single ? undefined : name));
  }

  #trouble(failure: LiveFailure): void {
    const text = troubleLine(failure);
    this.#troubles = [...this.#troubles, text].slice(-MOST_TROUBLES);
    this.#write(text);
  }

  #write(text: string): void {
    for (const sink of this.#sinks) sink.write(text);
  }

  #idle(): void {
    clearTimeout(this.#linger);
    if (this.#sinks.size > 0 || this.#stop.signal.aborted) return;
    this.#linger = setTimeout(() => this.#stop.abort(), LINGER);
  }

  #end(): void {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#linger);
    this.#stop.abort();
    this.#ended();
    for (const sink of [...this.#sinks]) sink.end();
  }
}

function beginningOf({ proxies, payload }: Readonly<Record<string, unknown>>): Beginning {
  const names: readonly unknown[] = Array.isArray(proxies) ? proxies.slice(0, MOST_PROXIES) : [];
  return {
    proxies: names.filter((name) => typeof name === "string").map((name) => name.slice(0, 320)),
    payload: payload === true,
  };
}

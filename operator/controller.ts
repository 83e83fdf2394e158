import { KIND } from "../api/meta.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { Cache, WATCHED_KINDS } from "./watch/cache.ts";
import { Concerned } from "./watch/concerned.ts";
import { Contents } from "./watch/contents.ts";
import { DataplanePods } from "./pods/dataplane-pods.ts";
import { Gatherer } from "./gather/gather.ts";
import { InForce } from "./gather/in-force.ts";
import { isStatus } from "./kube/api-error.ts";
import type { Watcher } from "./kube/call.ts";
import { Election, type ElectionOptions } from "./kube/election.ts";
import { Recorder } from "./kube/events.ts";
import { fenced } from "./kube/fence.ts";
import { WorkQueue } from "./kube/work-queue.ts";
import { LIGHT, Load, TooHeavy } from "./platform/load.ts";
import { OperatorMetrics } from "./metrics.ts";
import { OwnObjects } from "./watch/own-objects.ts";
import { askPods } from "./pods/pod-report.ts";
import { Reconciler, Refused } from "./reconcile.ts";
import type { RenderSettings } from "./render/settings.ts";
import { Reporter } from "./report/reporter.ts";
import { Writer } from "./write/writer.ts";

export interface ControllerOptions {
  readonly client: Watcher;
  readonly clock: Clock;
  readonly random: () => number;
  /** Makes an admin token: text of 256 random bits. */
  readonly newToken: () => string;
  readonly log: Log;
  /** Where WebSocketProxies are served; undefined: in all namespaces. */
  readonly namespaces: readonly string[] | undefined;
  /** Unique to this process. */
  readonly identity: string;
  /** The Lease by which one of several leads; undefined: this process is the only one. */
  readonly lease: Pick<ElectionOptions, "namespace" | "name" | "duration" | "renewDeadline" | "retry"> | undefined;
  readonly render: RenderSettings;
  /** Where pods report what they serve. */
  readonly podAdminPort: number;
}

/** Each look at pods tries anew what is refused: not too often; ms. */
const LEAST_LOOK = 2000;
/** Proxies that are worked on at the same time. */
const CONCURRENCY = 16;

/**
 * The operator: watches, and brings every proxy that something happened to to what is wanted. Of several processes one
 * works; the others keep their caches warm and write nothing.
 */
export class Controller {
  readonly metrics = new OperatorMetrics(WATCHED_KINDS);
  readonly #options: ControllerOptions;
  readonly #cache: Cache;
  readonly #queue: WorkQueue;
  readonly #reconciler: Reconciler;
  readonly #election: Election | undefined;
  readonly #reporter: Reporter;
  /** Proxies whose last pass was more than is done beside fifteen others. */
  readonly #heavy = new Set<string>();
  #leading = false;

  constructor(options: ControllerOptions) {
    const { client, clock, random, newToken, log, namespaces, identity, lease, render, podAdminPort } = options;
    this.#options = options;
    this.#election = lease && new Election({ ...lease, client, identity, clock, random, log });
    const writing = this.#election === undefined ? client : fenced(client, () => this.#election?.remaining ?? 0);

    this.#cache = new Cache({
      client,
      clock,
      random,
      log,
      namespaces,
      changed: (kind, now, before) => {
        if (!own.isNews(kind, now, before)) return;
        for (const key of concerned.by(kind, now, before)) this.#queue.add(key);
      },
      restarted: (kind) => this.metrics.watchRestarted(kind),
    });
    const own = new OwnObjects(this.#cache, clock);
    const contents = new Contents(client);
    const gatherer = new Gatherer(this.#cache, own, contents, new InForce());
    const concerned = new Concerned(this.#cache, (key) => gatherer.referencesOf(key));
    const wrote = own.wrote.bind(own);
    this.#reporter = new Reporter({
      client: writing,
      clock,
      own,
      contents,
      recorder: new Recorder(writing, identity, clock, log),
    });
    this.#reconciler = new Reconciler({
      gatherer,
      own,
      clock,
      log,
      settings: render,
      newToken,
      writer: new Writer(writing, own, contents),
      pods: new DataplanePods({
        client: writing,
        clock,
        log,
        ask: askPods(podAdminPort, clock),
        wrote: (pod) => wrote("Pod", pod),
      }),
      reporter: this.#reporter,
      forgotten: (key) => {
        concerned.forget(key);
        this.#heavy.delete(key);
      },
    });
    this.#queue = new WorkQueue({
      clock,
      random,
      concurrency: CONCURRENCY,
      isHeavy: (key) => this.#heavy.has(key),
      work: (key, signal) => this.#pass(key, signal),
      failed: (key, error, wait) => {
        // A conflict is how the API server says that the cache is a moment behind.
        const level = isStatus(error, 409) ? "info" : "warn";
        log[level]({ proxy: key, err: error, wait: Math.round(wait) }, "pass failed; trying again");
      },
    });
    this.metrics.show(() => ({
      queueDepth: this.#queue.depth,
      leading: this.leading,
      conditions: () => this.#reporter.conditions,
      exceeded: () => gatherer.exceeded,
      kept: () => contents.weight,
    }));
  }

  /** The caches are filled: this process could lead at once. */
  get ready(): boolean {
    return this.#cache.synced;
  }

  get leading(): boolean {
    return this.#leading && this.#election?.leading !== false;
  }

  /** Works until aborted; resolves when nothing is under way any more and the lease is given back. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#cache.run(signal), this.#work(signal)]);
  }

  async #work(signal: AbortSignal): Promise<void> {
    await this.#cache.whenSynced();
    if (signal.aborted) return;
    this.#options.log.info({}, "caches filled");
    const lead = (term: AbortSignal): Promise<void> => this.#lead(term);
    await (this.#election === undefined ? lead(signal) : this.#election.run(signal, lead));
  }

  async #lead(term: AbortSignal): Promise<void> {
    this.#leading = true;
    // Whoever led before may have stopped anywhere.
    for (const key of this.#cache.keys(KIND)) this.#queue.add(key);
    try {
      await this.#queue.run(term);
    } finally {
      this.#leading = false;
    }
  }

  async #pass(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { clock } = this.#options;
    const began = clock.now();
    const passed = (result: "done" | "refused" | "failed"): void =>
      this.metrics.passed(result, (clock.now() - began) / 1000);
    const heavy = this.#heavy.has(key);
    const load = new Load(heavy ? Number.POSITIVE_INFINITY : LIGHT);
    try {
      const wait = await this.#reconciler.pass(key, signal, load);
      if (load.bytes <= LIGHT) this.#heavy.delete(key);
      passed("done");
      return wait;
    } catch (error) {
      if (error instanceof TooHeavy) {
        this.#heavy.add(key);
        this.#queue.add(key);
        return undefined;
      }
      const refused = error instanceof Refused;
      if (!signal.aborted) passed(refused ? "refused" : "failed");
      // Pods that are behind cannot wait for as long as what is refused.
      if (refused && error.look !== undefined) this.#queue.addAfter(key, Math.max(error.look, LEAST_LOOK));
      throw error;
    } finally {
      // A heavy one keeps the others of its kind waiting for as long as it reads, too.
      this.#queue.spent(key, heavy ? Math.max(load.computed, (clock.now() - began) / 2) : load.computed);
    }
  }
}

import { KIND } from "../api/meta.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { standingOf, type Standing } from "./admission/standing.ts";
import { Cache, WATCHED_KINDS } from "./watch/cache.ts";
import { Concerned } from "./watch/concerned.ts";
import { Contents } from "./watch/contents.ts";
import { DataplanePods } from "./pods/dataplane-pods.ts";
import { Gatherer } from "./gather/gather.ts";
import { WrittenConfigs } from "./gather/written-configs.ts";
import { isStatus } from "./kube/api-error.ts";
import type { Watcher } from "./kube/call.ts";
import { Election, type ElectionOptions } from "./kube/election.ts";
import { Recorder } from "./kube/events.ts";
import { fenced } from "./kube/fence.ts";
import { WorkQueue, type Retry } from "./kube/work-queue.ts";
import { LIGHT, Load, TooHeavy } from "./platform/load.ts";
import { packer } from "./platform/packer.ts";
import { OperatorMetrics, type PassEnd } from "./metrics.ts";
import { injectedLabelOf } from "./watch/injected-pod.ts";
import { OwnObjects } from "./watch/own-objects.ts";
import { OrphanedPods } from "./pods/orphaned-pods.ts";
import { PodLoop } from "./pods/pod-loop.ts";
import { askPods } from "./pods/pod-report.ts";
import { PassRunner } from "./reconcile.ts";
import type { RenderSettings } from "./render/settings.ts";
import { Reporter } from "./report/reporter.ts";
import type { SidecarSupport } from "./translate/resources.ts";
import { Replicas } from "./write/replicas.ts";
import { Writer } from "./write/writer.ts";

export interface ControllerOptions {
  readonly client: Watcher;
  readonly clock: Clock;
  readonly random: () => number;
  /** Makes an admin token: text of 256 random bits. */
  readonly newToken: () => string;
  readonly log: Log;
  /** The operator serves the WebSocketProxies of these namespaces; undefined: of all. */
  readonly namespaces: readonly string[] | undefined;
  /** Unique to this process. */
  readonly identity: string;
  /** The Lease that decides which of several processes leads; undefined: this process is the only one. */
  readonly lease: Pick<ElectionOptions, "namespace" | "name" | "duration" | "renewDeadline" | "retry"> | undefined;
  readonly render: RenderSettings;
  /** Is mode Sidecar accepted in a namespace, and if not, why? Asked by each pass. */
  readonly sidecar: (namespace: string) => SidecarSupport;
  /** The port on which pods report what they serve. */
  readonly podAdminPort: number;
}

/** While passes of a proxy fail or are refused, a change of its pods brings the next one after this time; ms. */
const NOT_AT_ONCE = 2000;
/** Light passes at the same time. */
const CONCURRENCY = 16;

/**
 * The operator: watches the API server, and makes a pass for every proxy that an event concerns. Of several processes the
 * one that leads works; the others keep their caches filled and write nothing.
 */
export class Controller {
  readonly metrics: OperatorMetrics;
  readonly #options: ControllerOptions;
  readonly #cache: Cache;
  readonly #own: OwnObjects;
  readonly #queue: WorkQueue;
  readonly #passes: PassRunner;
  readonly #pods: DataplanePods;
  readonly #podLoop: PodLoop;
  readonly #orphans: OrphanedPods;
  readonly #concerned: Concerned;
  readonly #election: Election | undefined;
  readonly #reporter: Reporter;
  /** Proxies that took more than a light pass may in their last one. */
  readonly #heavy = new Set<string>();
  readonly #leads = new Set<() => void>();
  #leading = false;

  constructor(options: ControllerOptions) {
    const { client, clock, random, newToken, log, namespaces, identity, lease, render, sidecar, podAdminPort } =
      options;
    this.#options = options;
    this.metrics = new OperatorMetrics(WATCHED_KINDS, namespaces?.length);
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
        for (const key of concerned.by(kind, now, before)) {
          // Nothing ends a queue of a process that waits, and objects may name any proxy: it looks at all when it leads.
          if (this.#leading || gatherer.referencesOf(key) !== undefined) this.#queue.add(key);
          else if (kind === KIND && now === undefined) concerned.forget(key);
        }
      },
      restarted: (kind) => this.metrics.watchRestarted(kind),
    });
    const own = (this.#own = new OwnObjects(this.#cache, clock));
    const contents = new Contents(client);
    const gatherer = new Gatherer(this.#cache, own, contents, new WrittenConfigs());
    const concerned = (this.#concerned = new Concerned(this.#cache, (key) => gatherer.referencesOf(key)));
    this.#reporter = new Reporter({
      client: writing,
      clock,
      own,
      contents,
      recorder: new Recorder(writing, identity, clock, log),
      settings: render,
      hash: packer.hash,
    });
    const pods = (this.#pods = new DataplanePods({
      client: writing,
      clock,
      log,
      ask: askPods(podAdminPort, clock),
      wrote: (pod) => own.wrote(injectedLabelOf(pod) === undefined ? "Pod" : "InjectedPod", pod),
    }));
    this.#orphans = new OrphanedPods({ clock, nudge: (some, signal) => pods.nudgeOrphans(some, signal) });
    this.#podLoop = new PodLoop({ pods, clock, log, changed: (key) => this.#podsChanged(key) });
    const replicas = new Replicas(writing, clock);
    this.#passes = new PassRunner({
      gatherer,
      own,
      packer,
      clock,
      log,
      settings: render,
      sidecar,
      newToken,
      writer: new Writer(writing, own, contents, replicas),
      replicas,
      pods,
      podLoop: this.#podLoop,
      orphans: this.#orphans,
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
        // By a conflict the API server says that the cache is a moment behind.
        const level = isStatus(error, 409) ? "info" : "warn";
        log[level]({ proxy: key, err: error, wait: Math.round(wait) }, "pass failed; trying again");
      },
    });
    this.metrics.show(() => ({
      queueDepth: this.#queue.depth,
      leading: this.leading,
      conditions: () => this.#reporter.reports,
      exceeded: () => gatherer.exceeded,
      retained: () => contents.weight,
    }));
  }

  /** The caches are filled: this process could lead at once. */
  get ready(): boolean {
    return this.#cache.synced;
  }

  get leading(): boolean {
    return this.#leading && this.#election?.leading !== false;
  }

  /** Calls `listener` whenever this process has begun to lead. */
  onLead(listener: () => void): void {
    this.#leads.add(listener);
  }

  /** What new pods that name this proxy are to be told, from the caches alone. */
  standing(namespace: string, proxy: string): Standing {
    return standingOf(this.#own, namespace, proxy);
  }

  /**
   * Works until aborted; resolves when no pass and no look is under way any more and the Lease is given back. The caches
   * are kept filled until `watching` aborts: a webhook that serves on needs them.
   */
  async run(signal: AbortSignal, watching = signal): Promise<void> {
    await Promise.all([this.#cache.run(watching), this.#work(signal)]);
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
    for (const listener of this.#leads) listener();
    for (const part of [this.#reporter, this.#pods, this.#orphans]) part.begin();
    // The previous leader may have stopped between two writes.
    for (const key of this.#cache.keys(KIND)) this.#queue.add(key);
    // A proxy may have gone while no process led: its pods are there, and know nothing of it.
    for (const pod of this.#cache.all("InjectedPod")) {
      for (const key of this.#concerned.by("InjectedPod", pod, undefined)) this.#queue.add(key);
    }
    try {
      await this.#queue.run(term);
      await this.#podLoop.ended();
    } finally {
      this.#leading = false;
    }
  }

  /** Each pass writes anew what was refused: pods that report something else all the time must not bring one each time. */
  #podsChanged(key: string): void {
    if (this.#queue.isFailing(key)) this.#queue.addAfter(key, NOT_AT_ONCE);
    else this.#queue.add(key);
  }

  async #pass(key: string, signal: AbortSignal): Promise<number | Retry | undefined> {
    const { clock } = this.#options;
    const began = clock.now();
    const passed = (end: PassEnd): void => this.metrics.passed(end, (clock.now() - began) / 1000);
    const heavy = this.#heavy.has(key);
    const load = new Load(heavy ? Number.POSITIVE_INFINITY : LIGHT);
    try {
      const pass = await this.#passes.run(key, signal, load);
      passed(pass.result);
      if (pass.result === "done") {
        if (load.bytes <= LIGHT) this.#heavy.delete(key);
        return pass.lookAgainAfter;
      }
      const { words, cause, leastWait, lookAgainAfter } = pass;
      if (lookAgainAfter !== undefined) this.#queue.addAfter(key, lookAgainAfter);
      return { why: new Error(words, { cause }), leastWait };
    } catch (error) {
      if (error instanceof TooHeavy) {
        this.#heavy.add(key);
        this.#queue.add(key);
        return undefined;
      }
      if (!signal.aborted) passed("failed");
      throw error;
    } finally {
      // While a heavy pass reads, the other heavy ones wait too.
      this.#queue.spent(key, heavy ? Math.max(load.computed, (clock.now() - began) / 2) : load.computed);
    }
  }
}

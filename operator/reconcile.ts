import type { Condition } from "../api/conditions.ts";
import type { Config, Endpoints } from "../api/config.ts";
import { adminToken } from "./write/admin-token.ts";
import { Asides } from "./report/asides.ts";
import { OF_KUBERNETES } from "./watch/brief-object.ts";
import type { DataplanePods } from "./pods/dataplane-pods.ts";
import type { Gathered, Gatherer } from "./gather/gather.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { isNamespaceGone } from "./kube/api-error.ts";
import type { KubeObject } from "./kube/kinds.ts";
import { Turns } from "./kube/turns.ts";
import type { OwnObjects } from "./watch/own-objects.ts";
import { inSlices, type Load } from "./platform/load.ts";
import { packer } from "./platform/packer.ts";
import { Refusals, wordsOf, type Failure } from "./refusals.ts";
import type { RenderSettings } from "./render/settings.ts";
import { renderInSteps, type Rendered } from "./render/render.ts";
import type { Reporter } from "./report/reporter.ts";
import { inCluster } from "./platform/surroundings.ts";
import { tools } from "./platform/tools.ts";
import { translation as translate } from "./translate/translate.ts";
import type { Translation } from "./translate/translation.ts";
import type { Writer, Written } from "./write/writer.ts";

/** The API server refuses to write or to show an object: the status says which, and the pass is made again later. */
export class Refused extends Error {
  override readonly name = "Refused";
  /** Milliseconds after which the pods should be looked at all the same. */
  readonly look: number | undefined;

  constructor(message: string, { look, ...options }: ErrorOptions & { readonly look?: number | undefined } = {}) {
    super(message, options);
    this.look = look;
  }
}

export interface ReconcilerParts {
  readonly gatherer: Gatherer;
  readonly writer: Writer;
  readonly pods: DataplanePods;
  readonly reporter: Reporter;
  readonly own: OwnObjects;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RenderSettings;
  /** Makes an admin token. */
  readonly newToken: () => string;
  /** A proxy is gone. */
  readonly forgotten: (key: string) => void;
}

/** Brings what there is of one proxy to what is wanted, from whatever state it finds, and says how far it is. */
export class Reconciler {
  readonly #parts: ReconcilerParts;
  readonly #refusals = new Refusals();
  readonly #asides: Asides;
  readonly #computing = new Turns(1);
  /** Proxies whose namespace is being deleted. */
  readonly #going = new Set<string>();

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
    this.#asides = new Asides(parts.log);
  }

  /**
   * One pass; resolves with ms after which to look again. Rejects where it is to be made again, before anything is written
   * with TooHeavy where it is more than `load` takes.
   */
  async pass(key: string, signal: AbortSignal, load: Load): Promise<number | undefined> {
    const { gatherer, pods, reporter, settings, clock, newToken } = this.#parts;
    const known = this.#find(key);
    if (known === undefined || isLeaving(known)) return this.#forget(key);

    const gathered = await gatherer.gather(known, signal, load);
    // The watch is about to tell that it is gone.
    if (gathered === undefined) return undefined;
    const { resources, previous } = gathered;
    const slices = { clock, turns: this.#computing, signal };
    const translation = await inSlices(translate(resources, previous, tools, inCluster), load, slices);
    if (translation.status.conditions.some(isTooLarge)) gatherer.refuseSpec(key);
    this.#asides.tell(key, translation.asides);
    const token = adminToken(gathered, newToken);
    const whole = { ...translation, adminToken: token };
    const rendered = await inSlices(renderInSteps(gathered.owner, whole, settings, packer), load, slices);
    const failures = await this.#apply(gathered, translation, rendered, signal);
    if (failures.some(({ error }) => isNamespaceGone(error))) return this.#leave(key, failures);

    const refusals = this.#refusals.told(key, failures).map(wordsOf);
    const [first] = failures;
    // What may pass by itself is tried once more before anybody is told.
    if (first !== undefined && refusals.length === 0) throw first.error;
    const wanted = failures.some(({ kind }) => isData(kind)) ? undefined : rendered.serving;
    const subject = wanted && { proxy: key, wanted, token };
    const state = await pods.look(key, gathered.pods, subject, signal);
    const wait = await reporter.report({ gathered, translation, rendered, refusals, state }, signal);

    // Nobody tells us when a right is given back.
    const refused = (gathered.resources.unread ?? []).filter(({ beyond }) => beyond === undefined);
    const unread = refused.map(({ words }) => words);
    if (refusals.length + unread.length === 0) return wait;
    throw new Refused([...refusals, ...unread].join("; "), { cause: first?.error, look: wait });
  }

  /** The config first, and the pods are told at once: a permission that was taken away must not wait for anything. */
  async #apply(
    gathered: Gathered,
    translation: Translation,
    rendered: Rendered,
    signal: AbortSignal,
  ): Promise<readonly Failure[]> {
    const { writer, pods } = this.#parts;
    const { manifests, serving } = rendered;
    const data = await this.#applyData(gathered, translation, rendered, signal);
    if (serving !== undefined && data.written.length > 0) await pods.nudge(gathered.pods.own, serving, signal);
    const rest = manifests.filter(({ kind }) => !isData(kind));
    const shape = await writer.apply(gathered, rest, data.failures, signal);
    const failures = [...data.failures, ...shape.failures];
    return [...failures, ...(await writer.prune(gathered, rendered, failures, signal))];
  }

  /** Where something is to stay as it was in force, and that cannot be read, all of it stays. */
  async #applyData(
    gathered: Gathered,
    { status, endpoints }: Translation,
    { manifests }: Rendered,
    signal: AbortSignal,
  ): Promise<Written> {
    const { blind, previous } = gathered;
    if (blind !== undefined && status.problems.length > 0) {
      return { written: [], failures: [blind] };
    }
    const write = (wanted: string, before: readonly Failure[]): Promise<Written> => {
      const some = manifests.filter(({ kind }) => kind === wanted);
      return this.#parts.writer.apply(gathered, some, before, signal);
    };
    const config = await write("Secret", []);
    // Pods that start take no config without the endpoints of all its backends.
    if (config.failures.length > 0 && !hasAll(endpoints, previous)) return config;
    const places = await write("ConfigMap", config.failures);
    return {
      written: [...config.written, ...places.written],
      failures: [...config.failures, ...places.failures],
    };
  }

  /**
   * Its namespace is being deleted: nothing can be made there any more, and nobody would read a status. What is there is
   * kept right as long as something happens to it; it is not tried again but for the config of pods that still serve.
   */
  #leave(key: string, failures: readonly Failure[]): undefined {
    if (!this.#going.has(key)) {
      this.#going.add(key);
      this.#parts.log.info({ proxy: key }, "namespace is being deleted; nothing is made there any more");
    }
    const config = failures.find(({ kind, error: { status, reason } }) => {
      return isData(kind) && (status >= 500 || reason === "TimedOut");
    });
    if (config !== undefined) throw config.error;
    return undefined;
  }

  #find(key: string): KubeObject | undefined {
    const [namespace = "", name = ""] = key.split("/");
    return this.#parts.own.get("WebSocketProxy", namespace, name);
  }

  #forget(key: string): undefined {
    const { gatherer, pods, reporter } = this.#parts;
    for (const part of [gatherer, pods, reporter, this.#refusals, this.#asides]) part.forget(key);
    this.#going.delete(key);
    this.#parts.forgotten(key);
    return undefined;
  }
}

function isTooLarge({ type, reason }: Condition): boolean {
  return type === "Accepted" && reason === "TooLarge";
}

/** Is every backend of the config listed, be it without an endpoint? */
function hasAll({ backends }: Endpoints, config: Config | undefined): boolean {
  const named = (config?.routes ?? []).flatMap((route) => route.backends);
  return named.every((backend) => Object.hasOwn(backends, backend.endpoints));
}

/**
 * Does Kubernetes see to what belongs to it? Where somebody else's finalizer holds a proxy that is deleted, for however
 * long, its pods still serve, and a permission that is taken away must reach them.
 */
function isLeaving({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  if (deletionTimestamp === undefined) return false;
  return finalizers.length === 0 || OF_KUBERNETES.some((one) => finalizers.includes(one));
}

function isData(kind: string): boolean {
  return kind === "Secret" || kind === "ConfigMap";
}

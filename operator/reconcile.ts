import type { Condition } from "../api/conditions.ts";
import type { Config, Endpoints } from "../api/config.ts";
import { PACKED } from "../api/meta.ts";
import { adminToken } from "./write/admin-token.ts";
import { Asides } from "./report/asides.ts";
import { OF_KUBERNETES } from "./watch/brief-object.ts";
import type { DataplanePods, PodState } from "./pods/dataplane-pods.ts";
import type { OrphanedPods } from "./pods/orphaned-pods.ts";
import type { PodLoop } from "./pods/pod-loop.ts";
import type { Gathered, Gatherer } from "./gather/gather.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { isNamespaceGone } from "./kube/api-error.ts";
import type { KubeObject } from "./kube/kinds.ts";
import { Turns } from "./kube/turns.ts";
import type { OwnObjects } from "./watch/own-objects.ts";
import { inSlices, type Load } from "./platform/load.ts";
import { DONE, lookingAgain, refusedBy, type PassResult } from "./pass-result.ts";
import { Refusals, wordsOf, type Failure } from "./refusals.ts";
import { namesOf } from "./render/names.ts";
import type { RenderSettings } from "./render/settings.ts";
import type { Packer } from "./render/packer.ts";
import { packingOnce } from "./render/packed.ts";
import { renderInSteps, type Rendered } from "./render/render.ts";
import type { Reporter } from "./report/reporter.ts";
import { inClusterWith } from "./platform/in-cluster.ts";
import { tools } from "./platform/tools.ts";
import type { SidecarSupport } from "./translate/resources.ts";
import { translation as translate } from "./translate/translate.ts";
import type { Translation } from "./translate/translation.ts";
import type { Replicas } from "./write/replicas.ts";
import type { Writer, Written } from "./write/writer.ts";

export interface PassParts {
  readonly gatherer: Pick<Gatherer, "gather" | "refuseSpec" | "forget">;
  readonly writer: Pick<Writer, "apply" | "prune">;
  readonly replicas: Pick<Replicas, "remarks" | "again" | "forget">;
  readonly pods: Pick<DataplanePods, "nudge" | "forget">;
  readonly orphans: Pick<OrphanedPods, "look" | "forget">;
  readonly podLoop: Pick<PodLoop, "look" | "stop" | "forget">;
  readonly reporter: Pick<Reporter, "report" | "forget">;
  readonly own: Pick<OwnObjects, "get" | "ofProxy">;
  readonly packer: Packer;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: RenderSettings;
  readonly sidecar: (namespace: string) => SidecarSupport;
  /** Makes an admin token. */
  readonly newToken: () => string;
  /** A proxy is gone. */
  readonly forgotten: (key: string) => void;
}

/** Without the admin token no pod says what it serves: while pods are behind, a pass reads the token again after this time; ms. */
const TOKEN_AGAIN = 2000;

/** Makes passes: brings the objects of one proxy to what is wanted, whatever state they are in, and reports how far it is. */
export class PassRunner {
  readonly #parts: PassParts;
  readonly #refusals = new Refusals();
  readonly #asides: Asides;
  readonly #computing = new Turns(1);
  /** Proxies in a namespace that is being deleted. */
  readonly #leaving = new Set<string>();

  constructor(parts: PassParts) {
    this.#parts = parts;
    this.#asides = new Asides(parts.log);
  }

  /**
   * One pass for one proxy. Rejects with a fault, after which the pass is to be made again; and with TooHeavy, before
   * anything is written, if it is more than `load` takes.
   */
  async run(key: string, signal: AbortSignal, load: Load): Promise<PassResult> {
    const { gatherer, orphans, podLoop, replicas, reporter, settings, clock, newToken, packer, sidecar } = this.#parts;
    const cached = this.#find(key);
    if (cached === undefined || isLeftToKubernetes(cached)) return this.#forget(key, signal);

    const gathered = await gatherer.gather(cached, signal, load);
    // The watch is about to tell that the proxy is gone.
    if (gathered === undefined) return DONE;
    const { resources, configInForce } = gathered;
    const slices = { clock, turns: this.#computing, signal };
    const packing = packingOnce(packer);
    const steps = translate(resources, configInForce, tools, inClusterWith(packing, sidecar(gathered.owner.namespace)));
    const translation = await inSlices(steps, load, slices);
    if (translation.status.conditions.some(isTooLarge)) gatherer.refuseSpec(key);
    this.#asides.tell(key, translation.asides);
    // Without a config the pods are those of an earlier proxy of this name.
    const orphansAgain = translation.config === undefined ? await this.#leaveOrphans(key, signal) : undefined;
    if (translation.config !== undefined) orphans.forget(key);
    const token = adminToken(gathered, newToken);
    const renderable = { ...translation, adminToken: token };
    const rendered = await inSlices(renderInSteps(gathered.owner, renderable, settings, packing), load, slices);

    // From the first write on the pods may serve another config than the loop asks them for.
    podLoop.stop(key);
    const before = await this.#apply(gathered, translation, rendered, signal);
    if (before.some(({ error }) => isNamespaceGone(error))) return this.#leave(key, before);
    const wanted = before.some(({ kind }) => isData(kind)) ? undefined : rendered.serving;
    const generation = translation.config?.proxy.generation ?? 0;
    const state = await podLoop.look(key, gathered.pods, wanted && { proxy: key, wanted, generation, token }, signal);
    const failures = [...before, ...(await this.#applyService(gathered, rendered, state, before, signal))];
    const refusals = this.#refusals.told(key, failures).map(wordsOf);
    const [first] = failures;
    // A failure that may pass by itself fails this pass; the status tells it if the next pass meets it again.
    if (first !== undefined && refusals.length === 0) throw first.error;

    const remarks = replicas.remarks(key);
    const reportAgain = await reporter.report({ gathered, translation, rendered, refusals, state, remarks }, signal);
    // No event tells that a right was given back: what may not be read is read again later.
    const forbidden = (resources.unread ?? []).filter(({ beyond }) => beyond === undefined);
    const result = refusedBy([...refusals, ...forbidden.map(({ words }) => words)], first?.error);
    const waits = gathered.tokenUnreadable && state.behind.length > 0;
    return lookingAgain(result, [waits ? TOKEN_AGAIN : undefined, replicas.again(key), reportAgain, orphansAgain]);
  }

  /**
   * Writes everything but a Service that is there already. The config comes first, and the pods are nudged at once: a
   * permission that was taken away must not wait for other objects.
   */
  async #apply(
    gathered: Gathered,
    translation: Translation,
    rendered: Rendered,
    signal: AbortSignal,
  ): Promise<readonly Failure[]> {
    const { writer, pods } = this.#parts;
    const { manifests, serving } = rendered;
    const data = await this.#applyData(gathered, translation, rendered, signal);
    if (serving !== undefined && data.written.length > 0)
      await pods.nudge([...gathered.pods.own, ...gathered.guests], serving, signal);
    const rest = manifests.filter(({ kind }) => !isData(kind) && !(kind === "Service" && this.#hasService(gathered)));
    const shape = await writer.apply(gathered, rest, data.failures, signal);
    const failures = [...data.failures, ...shape.failures];
    return [...failures, ...(await writer.prune(gathered, rendered, failures, signal))];
  }

  /** A Service that is there leads to the listener in force: it waits for pods that may still have an earlier one. */
  async #applyService(
    gathered: Gathered,
    { manifests }: Rendered,
    { earlier }: PodState,
    before: readonly Failure[],
    signal: AbortSignal,
  ): Promise<readonly Failure[]> {
    if (earlier.length > 0 || !this.#hasService(gathered)) return [];
    const service = manifests.filter(({ kind }) => kind === "Service");
    return (await this.#parts.writer.apply(gathered, service, before, signal)).failures;
  }

  #hasService({ owner, names }: Gathered): boolean {
    return this.#parts.own.get("Service", owner.namespace, names.base) !== undefined;
  }

  /** If the config in force cannot be read and part of it must be kept, write nothing. */
  async #applyData(
    gathered: Gathered,
    { status, endpoints }: Translation,
    { manifests }: Rendered,
    signal: AbortSignal,
  ): Promise<Written> {
    const { unreadable, configInForce } = gathered;
    if (unreadable !== undefined && status.problems.length > 0) {
      return { written: [], failures: [unreadable] };
    }
    const write = (wanted: string, before: readonly Failure[]): Promise<Written> => {
      const some = manifests.filter(({ kind }) => kind === wanted);
      return this.#parts.writer.apply(gathered, some, before, signal);
    };
    const config = await write("Secret", []);
    // A pod that starts takes a config only with the endpoints of all its backends.
    if (config.failures.length > 0 && !hasAll(endpoints, configInForce)) return config;
    const addresses = await write("ConfigMap", config.failures);
    return {
      written: [...config.written, ...addresses.written],
      failures: [...config.failures, ...addresses.failures],
    };
  }

  /**
   * The namespace of the proxy is being deleted: nothing can be made in it any more, and a status would have no reader.
   * Events still bring passes, but only a config for pods that still serve is tried again.
   */
  #leave(key: string, failures: readonly Failure[]): PassResult {
    if (!this.#leaving.has(key)) {
      this.#leaving.add(key);
      this.#parts.log.info({ proxy: key }, "namespace is being deleted; nothing is made there any more");
    }
    const config = failures.find(({ kind, error: { status, reason } }) => {
      return isData(kind) && (status >= 500 || reason === "TimedOut");
    });
    if (config !== undefined) throw config.error;
    return DONE;
  }

  #find(key: string): KubeObject | undefined {
    const [namespace = "", name = ""] = key.split("/");
    return this.#parts.own.get("WebSocketProxy", namespace, name);
  }

  async #forget(key: string, signal: AbortSignal): Promise<PassResult> {
    const { gatherer, podLoop, pods, replicas, reporter } = this.#parts;
    for (const part of [podLoop, gatherer, pods, replicas, reporter, this.#refusals, this.#asides]) part.forget(key);
    this.#leaving.delete(key);
    this.#parts.forgotten(key);
    return lookingAgain(DONE, [await this.#leaveOrphans(key, signal)]);
  }

  /** Pods of mode Sidecar outlive their proxy. */
  #leaveOrphans(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { orphans, own, packer } = this.#parts;
    const [namespace = "", name = ""] = key.split("/");
    const names = namesOf(name, packer.hash);
    const parts = Array.from({ length: PACKED.mostParts }, (_, part) => names.configPart(part));
    const isGone =
      parts.every((part) => own.get("Secret", namespace, part) === undefined) &&
      own.get("ConfigMap", namespace, names.endpoints) === undefined;
    return orphans.look(key, own.ofProxy("InjectedPod", namespace, names.base), isGone, signal);
  }
}

function isTooLarge({ type, reason }: Condition): boolean {
  return type === "Accepted" && reason === "TooLarge";
}

/** Does `endpoints` list every backend of the config, even without an address? */
function hasAll({ backends }: Endpoints, config: Config | undefined): boolean {
  const named = (config?.routes ?? []).flatMap((route) => route.backends);
  return named.every((backend) => Object.hasOwn(backends, backend.endpoints));
}

/**
 * Is the proxy deleted, and does Kubernetes delete what belongs to it? While a finalizer of another controller holds the
 * proxy, for however long, its pods still serve, and a permission that is taken away must reach them.
 */
function isLeftToKubernetes({ metadata: { deletionTimestamp, finalizers = [] } }: KubeObject): boolean {
  if (deletionTimestamp === undefined) return false;
  return finalizers.length === 0 || OF_KUBERNETES.some((one) => finalizers.includes(one));
}

function isData(kind: string): boolean {
  return kind === "Secret" || kind === "ConfigMap";
}

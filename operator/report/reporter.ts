import { isDeepStrictEqual } from "node:util";
import { API_VERSION, KIND } from "../../api/meta.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { Clock } from "../../runtime/clock.ts";
import { addressForm, addressOf } from "./address.ts";
import { CountPace } from "./count-pace.ts";
import { manifestForm } from "../gather/content-forms.ts";
import { isOf } from "../watch/belonging.ts";
import type { Contents, Form } from "../watch/contents.ts";
import type { PodState } from "../pods/dataplane-pods.ts";
import type { Gathered } from "../gather/gather.ts";
import { isTooLarge } from "../kube/api-error.ts";
import { applyStatus } from "../kube/apply.ts";
import type { Caller } from "../kube/call.ts";
import { stripped } from "../kube/collection.ts";
import type { Recorder } from "../kube/events.ts";
import { keyOf, KINDS, type KubeObject } from "../kube/kinds.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import type { ProxyReport } from "../metrics.ts";
import { selectorText } from "../render/labels.ts";
import type { Names } from "../render/names.ts";
import type { Rendered } from "../render/render.ts";
import type { RenderSettings } from "../render/settings.ts";
import { sidecarHash } from "../render/sidecar.ts";
import { deploymentForm } from "../rollout/deployment.ts";
import { Rollouts } from "../rollout/rollouts.ts";
import { StateEvents } from "./events.ts";
import { injectedFindings, injectedSelector } from "./injected-words.ts";
import { formsOf } from "./status-size.ts";
import { statusOf } from "./status.ts";
import type { Translation } from "../translate/translation.ts";

/** What one pass found and did. */
export interface Outcome {
  readonly gathered: Gathered;
  readonly translation: Translation;
  readonly rendered: Rendered;
  /** What the API server refuses, in words. */
  readonly refusals: readonly string[];
  readonly state: PodState;
  /** Sentences for the message of Programmed. */
  readonly remarks: readonly string[];
}

export interface ReporterParts {
  readonly client: Caller;
  readonly clock: Clock;
  readonly own: Pick<OwnObjects, "get" | "wrote">;
  readonly contents: Contents;
  readonly recorder: Pick<Recorder, "record" | "forget">;
  readonly settings: RenderSettings;
  /** `Packer.hash`. */
  readonly hash: (text: string) => string;
}

/** Reports what a pass found: the status, written only if it differs, and Events. */
export class Reporter {
  readonly #parts: ReporterParts;
  /** For a spec that leaves no room for the full status: its generation, and how many shorter forms are left to try. */
  readonly #tight = new Map<string, { readonly generation: number; readonly left: number }>();
  readonly #counts: CountPace;
  readonly #events: StateEvents;
  /** By proxy, what the metrics say of its last report. */
  readonly #reports = new Map<string, ProxyReport>();

  #rollouts: Rollouts;

  constructor(parts: ReporterParts) {
    this.#parts = parts;
    this.#counts = new CountPace(parts.clock);
    this.#rollouts = new Rollouts(parts.clock);
    this.#events = new StateEvents(parts.recorder, parts.clock);
  }

  /** This process begins to lead, and another one led meanwhile: it knows only what the status says. */
  begin(): void {
    this.#reports.clear();
    this.#rollouts = new Rollouts(this.#parts.clock);
  }

  /** Resolves with the ms after which another report is due, also without an event; undefined: all is told. */
  async report(outcome: Outcome, signal: AbortSignal): Promise<number | undefined> {
    const { gathered, translation, rendered, refusals, state, remarks } = outcome;
    const { proxy } = gathered;
    const { clock } = this.#parts;
    const before = statusIn(proxy);
    const generation = proxy.metadata.generation ?? 0;
    const { names, pods } = gathered;
    const isInjected = pods.injected === true;
    // In mode Sidecar the Deployment and the Service are the user's.
    const deployment = isInjected ? undefined : await this.#ours("Deployment", deploymentForm, gathered, signal);
    const service = isInjected ? undefined : await this.#ours("Service", addressForm, gathered, signal);
    const programmed = before?.conditions?.find(({ type }) => type === "Programmed");
    const { rollout, again } = isInjected
      ? this.#rollouts.lookInjected(keyOf(proxy), { generation, pods: pods.own, state, programmed })
      : this.#rollouts.look(keyOf(proxy), { generation, deployment, pods, state, programmed });
    const findings = {
      generation,
      translation,
      rendered,
      refusals,
      pods: state,
      rollout,
      hasService: isInjected || service !== undefined,
      injected: isInjected ? injectedFindings(pods.own, this.#shapeOf(names, translation)) : undefined,
      remarks,
      selector: isInjected ? injectedSelector(names.base) : selectorText(names.base),
      address: addressOf(service),
    };
    const status = statusOf(findings, before, clock.wall());
    const conditions = status.conditions ?? [];
    this.#reports.set(keyOf(proxy), [keyOf(proxy), conditions, isInjected ? state.pods : deployment?.spec?.replicas]);
    const wait = await this.#tell(proxy, formsOf(status), before, signal);
    if (wait === "gone") return again;
    const untold = await this.#events.tell(proxy, status, before, signal);
    const waits = [again, wait === 0 ? undefined : wait, untold].filter((one) => one !== undefined);
    return waits.length === 0 ? undefined : Math.min(...waits);
  }

  #shapeOf(names: Names, { sidecar }: Translation): string | undefined {
    const { settings, hash } = this.#parts;
    return sidecar && sidecarHash(names, sidecar, settings, hash);
  }

  /** Every proxy that has a report, for the metrics. */
  get reports(): Iterable<ProxyReport> {
    return this.#reports.values();
  }

  /** Forgets a proxy that is gone. */
  forget(proxy: string): void {
    this.#reports.delete(proxy);
    this.#tight.delete(proxy);
    this.#counts.forget(proxy);
    this.#rollouts.forget(proxy);
    this.#events.forget(proxy);
  }

  /**
   * Writes the longest form that fits beside the spec: found out once for each of its generations. Resolves with the ms after
   * which a count is to be written that waits for its turn; 0: the whole status stands there.
   */
  async #tell(
    proxy: KubeObject,
    forms: ReturnType<typeof formsOf>,
    before: WebSocketProxyStatus | undefined,
    signal: AbortSignal,
  ): Promise<number | "gone"> {
    const { generation = 0 } = proxy.metadata;
    const tight = this.#tight.get(keyOf(proxy));
    const [status = forms[0], ...shorter] = tight?.generation === generation ? forms.slice(-tight.left) : forms;
    if (!differs(status, before)) return 0;
    const more = differs(withCount(status, before?.readyBackends), before);
    const wait = more ? 0 : this.#counts.take(keyOf(proxy));
    if (wait > 0) return wait;
    try {
      return (await this.#write(proxy, status, signal)) ? 0 : "gone";
    } catch (error) {
      const [next, ...rest] = shorter;
      if (next === undefined || !isTooLarge(error)) throw error;
      this.#tight.set(keyOf(proxy), { generation, left: shorter.length });
      return this.#tell(proxy, [next, ...rest], before, signal);
    }
  }

  /** False: the proxy is gone. */
  async #write(proxy: KubeObject, status: WebSocketProxyStatus, signal: AbortSignal): Promise<boolean> {
    const { client, own, contents } = this.#parts;
    const { name, namespace = "", uid = "" } = proxy.metadata;
    const metadata = { name, namespace, uid };
    const written = await applyStatus(client, { apiVersion: API_VERSION, kind: KIND, metadata, status }, signal);
    if (written === undefined) return false;
    const object = stripped(written, KINDS[KIND]);
    own.wrote(KIND, object);
    contents.put(keyOf(proxy), { kind: KIND, object, form: manifestForm });
    return true;
  }

  /** The proxy's own Deployment or Service. An object of another writer, or of an earlier proxy, may have its name. */
  async #ours<T>(
    kind: "Deployment" | "Service",
    form: Form<T>,
    { owner, names, proxy }: Gathered,
    signal: AbortSignal,
  ): Promise<T | undefined> {
    const { own, contents } = this.#parts;
    const object = own.get(kind, owner.namespace, names.base);
    if (object === undefined || !isOf(owner, object)) return undefined;
    return contents.one(keyOf(proxy), { kind, object, form }, signal);
  }
}

/** The status that stands in a WebSocketProxy. */
export function statusIn(proxy: KubeObject): WebSocketProxyStatus | undefined {
  return (proxy as { readonly status?: WebSocketProxyStatus }).status;
}

/** Does the status differ from the one that stands there? Conditions of other writers do not count. */
function differs(status: WebSocketProxyStatus, before: WebSocketProxyStatus | undefined): boolean {
  const own = (status.conditions ?? []).map(({ type }) => before?.conditions?.find((it) => it.type === type));
  return !isDeepStrictEqual({ ...before, conditions: own }, status);
}

/** The same status with another count of ready backends. */
function withCount(
  { readyBackends: _, ...status }: WebSocketProxyStatus,
  count: string | undefined,
): WebSocketProxyStatus {
  return { ...status, ...(count === undefined ? {} : { readyBackends: count }) };
}

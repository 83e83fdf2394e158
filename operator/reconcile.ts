import type { DataplanePods } from "./dataplane-pods.ts";
import type { Gathered, Gatherer } from "./gather.ts";
import type { KubeObject } from "./kube/kinds.ts";
import type { OwnObjects } from "./own-objects.ts";
import { packer } from "./packer.ts";
import { render, type Rendered, type RenderSettings } from "./render/render.ts";
import type { Reporter } from "./reporter.ts";
import { inCluster } from "./surroundings.ts";
import { tools } from "./tools.ts";
import { translate } from "./translate/translate.ts";
import type { Writer, Written } from "./writer.ts";

/** The API server refuses an object: the status says which, and the pass is made again later. */
export class Refused extends Error {
  override readonly name = "Refused";
}

export interface ReconcilerParts {
  readonly gatherer: Gatherer;
  readonly writer: Writer;
  readonly pods: DataplanePods;
  readonly reporter: Reporter;
  readonly own: OwnObjects;
  readonly settings: RenderSettings;
  /** A proxy is gone. */
  readonly forgotten: (key: string) => void;
}

/** Brings what there is of one proxy to what is wanted, from whatever state it finds, and says how far it is. */
export class Reconciler {
  readonly #parts: ReconcilerParts;

  constructor(parts: ReconcilerParts) {
    this.#parts = parts;
  }

  /** One pass; resolves with ms after which to look again. Rejects where it is to be made again. */
  async pass(key: string, signal: AbortSignal): Promise<number | undefined> {
    const { gatherer, pods, reporter, settings } = this.#parts;
    const proxy = this.#find(key);
    // What belongs to it is deleted by Kubernetes itself.
    if (proxy === undefined || proxy.metadata.deletionTimestamp !== undefined) return this.#forget(key);

    const gathered = await gatherer.gather(proxy, signal);
    const translation = translate(gathered.resources, gathered.previous, tools, inCluster);
    const rendered = render(gathered.owner, translation, settings, packer);
    const written = await this.#apply(gathered, rendered, signal);
    const state = await pods.look(key, gathered.pods, rendered.serving, signal);
    const wait = await reporter.report({ proxy, gathered, translation, rendered, written, state }, signal);

    if (written.refusals.length > 0) throw new Refused(written.refusals.join("; "));
    return wait;
  }

  /** The config first, and the pods are told at once: a permission that was taken away must not wait for anything. */
  async #apply(gathered: Gathered, rendered: Rendered, signal: AbortSignal): Promise<Written> {
    const { writer, pods } = this.#parts;
    const { manifests, serving } = rendered;
    const split = manifests.findLastIndex(({ kind }) => isData(kind)) + 1;
    const data = await writer.apply(gathered, manifests.slice(0, split), signal);
    if (serving !== undefined && data.written.some(({ kind }) => isData(kind)))
      await pods.nudge(gathered.pods, serving, signal);
    const shape = await writer.apply(gathered, manifests.slice(split), signal);
    await writer.prune(gathered, rendered, signal);
    return {
      written: [...data.written, ...shape.written],
      refusals: [...data.refusals, ...shape.refusals],
    };
  }

  #find(key: string): KubeObject | undefined {
    const [namespace = "", name = ""] = key.split("/");
    return this.#parts.own.get("WebSocketProxy", namespace, name);
  }

  #forget(key: string): undefined {
    for (const part of [this.#parts.gatherer, this.#parts.pods, this.#parts.reporter]) part.forget(key);
    this.#parts.forgotten(key);
    return undefined;
  }
}

function isData(kind: string): boolean {
  return kind === "Secret" || kind === "ConfigMap";
}

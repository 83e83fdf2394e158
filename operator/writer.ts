import { GROUP } from "../api/meta.ts";
import { hashOf } from "../runtime/packed-text.ts";
import { belongsTo, isOf } from "./belonging.ts";
import { isOwnOnly, type WatchedKind } from "./cache.ts";
import type { Contents } from "./contents.ts";
import { nameIn, type Gathered } from "./gather.ts";
import { ApiError } from "./kube/api-error.ts";
import { apply, remove } from "./kube/apply.ts";
import type { Caller } from "./kube/client.ts";
import { kept } from "./kube/collection.ts";
import { kindOf, KINDS, pathOf, type KubeObject } from "./kube/kinds.ts";
import { unchanged } from "./kube/unchanged.ts";
import type { OwnObjects } from "./own-objects.ts";
import type { Manifest } from "./render/manifest.ts";
import type { Rendered } from "./render/render.ts";

/** Which manifest was applied last: what it no longer names cannot be seen from the object alone. */
export const APPLIED = `${GROUP}/applied`;

/** What became of the objects of one pass. */
export interface Written {
  readonly written: readonly Manifest[];
  /** Why some could not be written, in words for the proxy's status; the rest was. */
  readonly refusals: readonly string[];
}

/** Brings a proxy's objects to what was rendered: writes what differs, in order, and removes what is no longer wanted. */
export class Writer {
  readonly #client: Caller;
  readonly #own: OwnObjects;
  readonly #contents: Contents;

  constructor(client: Caller, own: OwnObjects, contents: Contents) {
    this.#client = client;
    this.#own = own;
    this.#contents = contents;
  }

  /**
   * A refusal of one object leaves the others to be written; every other failure ends the pass, which is then made
   * again from the start.
   */
  async apply(gathered: Gathered, manifests: readonly Manifest[], signal: AbortSignal): Promise<Written> {
    const written: Manifest[] = [];
    const refusals: string[] = [];
    for (const manifest of manifests) {
      try {
        if (await this.#applyOne(gathered, manifest, signal)) written.push(manifest);
      } catch (error) {
        if (!isRefusal(error)) throw error;
        refusals.push(`${manifest.kind} ${manifest.metadata.name}: ${error.message}`);
      }
    }
    return { written, refusals };
  }

  /** Removes objects of the proxy that were not rendered, of the kinds about which everything is known. */
  async prune({ owner, names }: Gathered, { manifests, complete }: Rendered, signal: AbortSignal): Promise<void> {
    const wanted = new Set(manifests.map(({ kind, metadata }) => nameIn(kind, metadata.name)));
    for (const kind of complete as readonly WatchedKind[]) {
      for (const object of this.#own.ofProxy(kind, owner.namespace, names.base)) {
        const { name, deletionTimestamp } = object.metadata;
        const stays = wanted.has(nameIn(kind, name)) || deletionTimestamp !== undefined || !isOf(owner, object);
        if (!stays) await remove(this.#client, KINDS[kind], object, signal);
      }
    }
  }

  /** Was it written? */
  async #applyOne(gathered: Gathered, manifest: Manifest, signal: AbortSignal): Promise<boolean> {
    const kind = manifest.kind as WatchedKind;
    const { name, namespace } = manifest.metadata;
    const applied = hashOf(JSON.stringify(manifest)).slice(0, 16);
    const known = this.#own.get(kind, namespace, name);
    const live = known === undefined && isOwnOnly(kind) ? await this.#find(manifest, signal) : known;
    if (live !== undefined && !belongsTo(gathered.owner, live)) throw foreign(manifest);
    const whole = isContent(kind) ? gathered.data.get(nameIn(kind, name)) : live;
    if (whole?.metadata.annotations?.[APPLIED] === applied && unchanged(manifest, whole)) return false;
    const { metadata } = manifest;
    const written = await apply(
      this.#client,
      {
        ...manifest,
        metadata: {
          ...metadata,
          annotations: { ...metadata.annotations, [APPLIED]: applied },
          // Another object that has taken the name meanwhile is left alone.
          ...(live?.metadata.uid === undefined ? {} : { uid: live.metadata.uid }),
        },
      },
      signal,
    );
    const object = kept(written, KINDS[kind]);
    this.#own.wrote(kind, object);
    if (isContent(kind)) this.#contents.put(`${namespace}/${gathered.owner.name}`, kind, object);
    return true;
  }

  /**
   * Of some kinds the cache has our own objects alone, and there may be another one of that name. Asked for as a list of
   * one, so that the operator needs no permission that it has not for its watches.
   */
  async #find({ kind, metadata: { name, namespace } }: Manifest, signal: AbortSignal): Promise<KubeObject | undefined> {
    const { items } = await this.#client.request<{ readonly items: readonly KubeObject[] | null }>({
      path: pathOf(kindOf(kind), namespace),
      query: { fieldSelector: `metadata.name=${name}`, limit: 1 },
      accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      signal,
    });
    return items?.find((item) => item.metadata.name === name);
  }
}

/** Answers that would be the same next time, unless somebody does something about it. */
const REFUSALS = new Set([400, 403, 404, 405, 413, 415, 422]);

function isRefusal(error: unknown): error is ApiError {
  return error instanceof ApiError && (REFUSALS.has(error.status) || error.reason === FOREIGN);
}

const FOREIGN = "SomebodyElses";

function foreign(manifest: Manifest): ApiError {
  const { kind, metadata } = manifest;
  const path = pathOf(kindOf(kind), metadata.namespace, metadata.name);
  const message = `there is an object of that name which is not this proxy's; remove or rename it`;
  return new ApiError({ method: "PATCH", path }, 0, FOREIGN, message);
}

function isContent(kind: WatchedKind): kind is "Secret" | "ConfigMap" {
  return kind === "Secret" || kind === "ConfigMap";
}

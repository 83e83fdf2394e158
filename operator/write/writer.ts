import { GROUP } from "../../api/meta.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { belongsTo, isOf } from "../watch/belonging.ts";
import { isOwnOnly, type WatchedKind } from "../watch/cache.ts";
import type { Contents } from "../watch/contents.ts";
import { asApplied, dataForm, rawForm, withHashes } from "../watch/own-form.ts";
import { nameIn } from "../gather/config-in-force.ts";
import type { Gathered } from "../gather/gather.ts";
import { ApiError } from "../kube/api-error.ts";
import { apply, remove } from "../kube/apply.ts";
import type { Caller } from "../kube/call.ts";
import { stripped } from "../kube/collection.ts";
import { keyOf, kindOf, KINDS, pathOf, type KubeObject } from "../kube/kinds.ts";
import { unchanged } from "../kube/unchanged.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import { FOREIGN, isObjectSpecific, type Failure } from "../refusals.ts";
import type { Manifest } from "../render/manifest.ts";
import type { Rendered } from "../render/render.ts";

/** Hash of the manifest that was applied last: the object alone does not show which fields a manifest no longer names. */
export const APPLIED = `${GROUP}/applied`;

const AS_APPLIED = "as applied";

/** What writing did. */
export interface Written {
  readonly written: readonly Manifest[];
  /** Objects that could not be written or deleted. All others were, except those that wait for them. */
  readonly failures: readonly Failure[];
}

/** An object of the kind on the left is not written if an object of one of the kinds on the right could not be. */
const WAITS_FOR: Readonly<Record<string, readonly string[]>> = {
  // The last Secret names all the others.
  Secret: ["Secret"],
  // No pod is to run before its NetworkPolicy, or with a port that its config does not have yet.
  Deployment: ["Secret", "ConfigMap", "NetworkPolicy"],
  // Its port and protocol are those of the config that pods have.
  Service: ["Secret"],
};

/** Brings the objects of a proxy to what was rendered: applies those that differ, in order, and deletes those without a manifest. */
export class Writer {
  readonly #client: Caller;
  readonly #own: Pick<OwnObjects, "get" | "ofProxy" | "wrote">;
  readonly #contents: Contents;

  constructor(client: Caller, own: Pick<OwnObjects, "get" | "ofProxy" | "wrote">, contents: Contents) {
    this.#client = client;
    this.#own = own;
    this.#contents = contents;
  }

  /**
   * Applies manifests. An object that the API server refuses holds up only what waits for it; so do those that failed
   * `before`. Rejects if the API server cannot be reached: then the pass ends, and is made again from the start.
   */
  async apply(
    gathered: Gathered,
    manifests: readonly Manifest[],
    before: readonly Failure[],
    signal: AbortSignal,
  ): Promise<Written> {
    const written: Manifest[] = [];
    const failures: Failure[] = [];
    for (const manifest of manifests) {
      const { kind, metadata } = manifest;
      if ([...before, ...failures].some((failure) => WAITS_FOR[kind]?.includes(failure.kind) === true)) continue;
      await attempt(kind, metadata.name, failures, signal, async () => {
        if (await this.#applyOne(gathered, manifest, signal)) written.push(manifest);
      });
    }
    return { written, failures };
  }

  /**
   * Deletes objects of the proxy that have no manifest, of the prunable kinds. A kind of which an object could not be written
   * is left alone: the config in force may need what would go.
   */
  async prune(
    { owner, names }: Gathered,
    { manifests, prunable }: Rendered,
    before: readonly Failure[],
    signal: AbortSignal,
  ): Promise<readonly Failure[]> {
    const wanted = new Set(manifests.map(({ kind, metadata }) => nameIn(kind, metadata.name)));
    const failures: Failure[] = [];
    for (const kind of prunable as readonly WatchedKind[]) {
      if (before.some((failure) => failure.kind === kind)) continue;
      for (const object of this.#own.ofProxy(kind, owner.namespace, names.base)) {
        const { name, deletionTimestamp } = object.metadata;
        const stays = wanted.has(nameIn(kind, name)) || deletionTimestamp !== undefined || !isOf(owner, object);
        if (!stays)
          await attempt(kind, name, failures, signal, () => remove(this.#client, KINDS[kind], object, signal));
      }
    }
    return failures;
  }

  /** Applies one manifest if its object differs; was it written? */
  async #applyOne(gathered: Gathered, manifest: Manifest, signal: AbortSignal): Promise<boolean> {
    const kind = manifest.kind as WatchedKind;
    const { name, namespace } = manifest.metadata;
    const applied = hashOf(JSON.stringify(manifest)).slice(0, 16);
    const cached = this.#own.get(kind, namespace, name);
    const live = cached === undefined && isOwnOnly(kind) ? await this.#find(manifest, signal) : cached;
    if (live !== undefined && !belongsTo(gathered.owner, live)) throw foreign(manifest);
    const content = await this.#content(gathered, kind, cached, applied, signal);
    if (content === AS_APPLIED) return false;
    if (this.#isUnchanged(gathered, manifest, content, applied)) return false;
    const { metadata } = manifest;
    const frozen = content !== undefined && isImmutable(content);
    if (frozen) await remove(this.#client, KINDS[kind], content, signal);
    const written = await apply(
      this.#client,
      {
        ...manifest,
        metadata: {
          ...metadata,
          annotations: { ...metadata.annotations, [APPLIED]: applied },
          // With the uid, the call fails if another object has taken the name meanwhile.
          ...(live?.metadata.uid === undefined || frozen ? {} : { uid: live.metadata.uid }),
        },
      },
      signal,
    );
    const object = stripped(written, KINDS[kind]);
    this.#own.wrote(kind, object);
    if (isData(kind)) this.#contents.put(keyOf(gathered.proxy), { kind, object, form: dataForm });
    this.#isUnchanged(gathered, manifest, object, applied);
    return true;
  }

  /** Is a live object as the manifest says? If so, that is remembered for this version of the object. */
  #isUnchanged({ proxy }: Gathered, manifest: Manifest, live: KubeObject | undefined, applied: string): boolean {
    const kind = manifest.kind as WatchedKind;
    if (live?.metadata.annotations?.[APPLIED] !== applied) return false;
    if (!(isData(kind) ? unchanged(withHashes(manifest), withHashes(live)) : unchanged(manifest, live))) return false;
    this.#contents.put(keyOf(proxy), { kind, object: live, form: asApplied(applied) });
    return true;
  }

  /** A live object of ours with every field that a manifest may set; AS_APPLIED: it is known to be unchanged. */
  async #content(
    { proxy, data }: Gathered,
    kind: WatchedKind,
    object: KubeObject | undefined,
    applied: string,
    signal: AbortSignal,
  ): Promise<KubeObject | typeof AS_APPLIED | undefined> {
    if (object === undefined) return undefined;
    if (isData(kind)) return data.get(nameIn(kind, object.metadata.name));
    const key = keyOf(proxy);
    if (this.#contents.retained(key, { kind, object, form: asApplied(applied) }) === true) return AS_APPLIED;
    return this.#contents.one(key, { kind, object, form: rawForm }, signal);
  }

  /**
   * The object of that name, whichever writer made it: of some kinds the cache has only our own. A list of one object needs no
   * permission that the operator's watches do not need.
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

/** Acts on one object. An error about this object is added to `failures`; any other is thrown. */
async function attempt(
  kind: string,
  name: string,
  failures: Failure[],
  signal: AbortSignal,
  act: () => Promise<void>,
): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (signal.aborted || !(error instanceof ApiError) || !isObjectSpecific(error)) throw error;
    failures.push({ kind, name, error });
  }
}

function foreign(manifest: Manifest): ApiError {
  const { kind, metadata } = manifest;
  const path = pathOf(kindOf(kind), metadata.namespace, metadata.name);
  const message = `there is an object of that name which is not this proxy's; remove or rename it`;
  return new ApiError({ method: "PATCH", path }, 0, FOREIGN, message);
}

/** Did another writer make it immutable? Then only a new object in its place can hold a new config. */
function isImmutable(object: KubeObject): boolean {
  return (object as { readonly immutable?: boolean }).immutable === true;
}

function isData(kind: WatchedKind): boolean {
  return kind === "Secret" || kind === "ConfigMap";
}

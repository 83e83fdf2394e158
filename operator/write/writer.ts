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
import { FOREIGN, isOfOne, type Failure } from "../refusals.ts";
import type { Manifest } from "../render/manifest.ts";
import type { Rendered } from "../render/render.ts";

/** Which manifest was applied last: what it no longer names cannot be seen from the object alone. */
export const APPLIED = `${GROUP}/applied`;

const AS_APPLIED = "as applied";

/** What became of the objects of one pass. */
export interface Written {
  readonly written: readonly Manifest[];
  /** What could not be written or removed; the rest was, but for what waits for it. */
  readonly failures: readonly Failure[];
}

/** What is left as it is while something of these kinds could not be written. */
const WAITS_FOR: Readonly<Record<string, readonly string[]>> = {
  // The Secret that comes last names all of the others.
  Secret: ["Secret"],
  // No pod is to stand open before its policy does, or on a port that its config does not know yet.
  Deployment: ["Secret", "ConfigMap", "NetworkPolicy"],
};

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
   * What the API server says no to leaves the others to be written, after what has failed `before`; where there is no
   * API server to be reached, the pass ends, and is made again from the start.
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
   * Removes objects of the proxy that were not rendered, of the kinds about which everything is known, and of which
   * everything could be written: what is in force may need what was to go.
   */
  async prune(
    { owner, names }: Gathered,
    { manifests, complete }: Rendered,
    before: readonly Failure[],
    signal: AbortSignal,
  ): Promise<readonly Failure[]> {
    const wanted = new Set(manifests.map(({ kind, metadata }) => nameIn(kind, metadata.name)));
    const failures: Failure[] = [];
    for (const kind of complete as readonly WatchedKind[]) {
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

  /** Was it written? */
  async #applyOne(gathered: Gathered, manifest: Manifest, signal: AbortSignal): Promise<boolean> {
    const kind = manifest.kind as WatchedKind;
    const { name, namespace } = manifest.metadata;
    const applied = hashOf(JSON.stringify(manifest)).slice(0, 16);
    const known = this.#own.get(kind, namespace, name);
    const live = known === undefined && isOwnOnly(kind) ? await this.#find(manifest, signal) : known;
    if (live !== undefined && !belongsTo(gathered.owner, live)) throw foreign(manifest);
    const whole = await this.#whole(gathered, kind, known, applied, signal);
    if (whole === AS_APPLIED) return false;
    if (this.#note(gathered, manifest, whole, applied)) return false;
    const { metadata } = manifest;
    const frozen = whole !== undefined && isImmutable(whole);
    if (frozen) await remove(this.#client, KINDS[kind], whole, signal);
    const written = await apply(
      this.#client,
      {
        ...manifest,
        metadata: {
          ...metadata,
          annotations: { ...metadata.annotations, [APPLIED]: applied },
          // Another object that has taken the name meanwhile is left alone.
          ...(live?.metadata.uid === undefined || frozen ? {} : { uid: live.metadata.uid }),
        },
      },
      signal,
    );
    const object = stripped(written, KINDS[kind]);
    this.#own.wrote(kind, object);
    if (isData(kind)) this.#contents.put(keyOf(gathered.proxy), { kind, object, form: dataForm });
    this.#note(gathered, manifest, object, applied);
    return true;
  }

  /** Is a live object as the manifest says? Then it is not looked at again in that version. */
  #note({ proxy }: Gathered, manifest: Manifest, live: KubeObject | undefined, applied: string): boolean {
    const kind = manifest.kind as WatchedKind;
    if (live?.metadata.annotations?.[APPLIED] !== applied) return false;
    if (!(isData(kind) ? unchanged(withHashes(manifest), withHashes(live)) : unchanged(manifest, live))) return false;
    this.#contents.put(keyOf(proxy), { kind, object: live, form: asApplied(applied) });
    return true;
  }

  /** A live object of ours with all that a manifest could name, unless it is known to be as it should. */
  async #whole(
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

/** Adds what is about this object alone to `failures`. */
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
    if (signal.aborted || !(error instanceof ApiError) || !isOfOne(error)) throw error;
    failures.push({ kind, name, error });
  }
}

function foreign(manifest: Manifest): ApiError {
  const { kind, metadata } = manifest;
  const path = pathOf(kindOf(kind), metadata.namespace, metadata.name);
  const message = `there is an object of that name which is not this proxy's; remove or rename it`;
  return new ApiError({ method: "PATCH", path }, 0, FOREIGN, message);
}

/** Somebody has frozen it: only another object in its place can say anything new, such as that a key is gone. */
function isImmutable(object: KubeObject): boolean {
  return (object as { readonly immutable?: boolean }).immutable === true;
}

function isData(kind: WatchedKind): boolean {
  return kind === "Secret" || kind === "ConfigMap";
}

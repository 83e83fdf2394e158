import { belongsTo, isOf } from "../watch/belonging.ts";
import { isOwnOnly, type ObjectKind } from "../watch/cache.ts";
import type { Contents, Form } from "../watch/contents.ts";
import { dataForm, rawForm } from "../watch/own-form.ts";
import { nameIn } from "../gather/config-in-force.ts";
import type { Gathered } from "../gather/gather.ts";
import { apply, remove } from "../kube/apply.ts";
import type { Caller } from "../kube/call.ts";
import { stripped } from "../kube/collection.ts";
import { keyOf, KINDS, type KubeObject } from "../kube/kinds.ts";
import type { OwnObjects } from "../watch/own-objects.ts";
import type { Failure } from "../refusals.ts";
import type { Manifest } from "../render/manifest.ts";
import type { Rendered } from "../render/render.ts";
import { APPLIED, asWanted, formOf, isAsApplied, isData, type AsWanted } from "./as-wanted.ts";
import { attempt, foreign } from "./attempt.ts";
import { findObject } from "./find-object.ts";
import { hasReplicas, replicasOf, withFirstReplicas, type Replicas } from "./replicas.ts";

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
  readonly #replicas: Pick<Replicas, "settle">;

  constructor(
    client: Caller,
    own: Pick<OwnObjects, "get" | "ofProxy" | "wrote">,
    contents: Contents,
    replicas: Pick<Replicas, "settle">,
  ) {
    this.#client = client;
    this.#own = own;
    this.#contents = contents;
    this.#replicas = replicas;
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
    for (const kind of prunable as readonly ObjectKind[]) {
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
    const kind = manifest.kind as ObjectKind;
    const { name, namespace } = manifest.metadata;
    const as = asWanted(manifest);
    const cached = this.#own.get(kind, namespace, name);
    const live =
      cached === undefined && isOwnOnly(kind) ? await findObject(this.#client, manifest, "metadata", signal) : cached;
    if (live !== undefined && !belongsTo(gathered.owner, live)) throw foreign(manifest);
    const content = await this.#content(gathered, kind, cached, formOf(as), signal);
    if (content === AS_APPLIED) return false;
    const applies = !isAsApplied(as, content);
    const scaled =
      kind === "Deployment" && live !== undefined && (await this.#settle(gathered, as, live, content, signal));
    if (!applies) {
      if (!scaled) this.#remember(gathered, as, content);
      return scaled;
    }
    const frozen = content !== undefined && isImmutable(content);
    if (frozen) await remove(this.#client, KINDS[kind], content, signal);
    const { metadata } = manifest;
    const whole = kind === "Deployment" && live === undefined ? withFirstReplicas(as.rest, as.wanted) : as.rest;
    const written = await apply(
      this.#client,
      {
        ...whole,
        metadata: {
          ...metadata,
          annotations: { ...metadata.annotations, [APPLIED]: as.applied },
          // With the uid, the call fails if another object has taken the name meanwhile.
          ...(live?.metadata.uid === undefined || frozen ? {} : { uid: live.metadata.uid }),
        },
      },
      signal,
    );
    this.#wrote(gathered, as, written);
    return true;
  }

  /** Has the number of pods of a live Deployment written where that is needed; was it written? */
  async #settle(
    gathered: Gathered,
    as: AsWanted,
    live: KubeObject,
    content: KubeObject | undefined,
    signal: AbortSignal,
  ): Promise<boolean> {
    const written = await this.#replicas.settle(
      {
        proxy: keyOf(gathered.proxy),
        live,
        wanted: as.wanted,
        known: replicasOf(content),
        applies: !isAsApplied(as, content),
      },
      signal,
    );
    if (written !== undefined) this.#wrote(gathered, as, written);
    return written !== undefined;
  }

  #wrote(gathered: Gathered, as: AsWanted, written: KubeObject): void {
    const kind = as.rest.kind as ObjectKind;
    const object = stripped(written, KINDS[kind]);
    this.#own.wrote(kind, object);
    if (isData(kind)) this.#contents.put(keyOf(gathered.proxy), { kind, object, form: dataForm });
    this.#remember(gathered, as, object);
  }

  /** If a live object is as it is wanted, that is remembered for this version of it. */
  #remember({ proxy }: Gathered, as: AsWanted, live: KubeObject | undefined): void {
    if (live === undefined || !isAsApplied(as, live) || !hasReplicas(live, as.wanted)) return;
    this.#contents.put(keyOf(proxy), { kind: as.rest.kind as ObjectKind, object: live, form: formOf(as) });
  }

  /** A live object of ours with every field that a manifest may set; AS_APPLIED: it is known to be unchanged. */
  async #content(
    { proxy, data }: Gathered,
    kind: ObjectKind,
    object: KubeObject | undefined,
    form: Form<true>,
    signal: AbortSignal,
  ): Promise<KubeObject | typeof AS_APPLIED | undefined> {
    if (object === undefined) return undefined;
    if (isData(kind)) return data.get(nameIn(kind, object.metadata.name));
    const key = keyOf(proxy);
    if (this.#contents.retained(key, { kind, object, form }) === true) return AS_APPLIED;
    return this.#contents.one(key, { kind, object, form: rawForm }, signal);
  }
}

/** Did another writer make it immutable? Then only a new object in its place can hold a new config. */
function isImmutable(object: KubeObject): boolean {
  return (object as { readonly immutable?: boolean }).immutable === true;
}

import { beyondWords, CHUNK, MOST, type Budget } from "./budgets.ts";
import type { Cache } from "../watch/cache.ts";
import { configMapForm, secretForm, unpackedSecret, type Read, type RetainedSecret } from "./content-forms.ts";
import type { Contents, UnreadableObject, NeededContent } from "../watch/contents.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import { selects, type References } from "../watch/references.ts";
import type { ConfigMap, Secret, Undecoded, Unread } from "../translate/resources.ts";
import { isMadeByOperator, unusableObjects } from "./unusable-objects.ts";

/** The Secrets and ConfigMaps that a proxy names, or selects by labels, as many as its budget allows. */
export interface NamedObjects {
  readonly secrets: readonly Secret[];
  readonly configMaps: readonly ConfigMap[];
  /** Objects that exist and cannot be read. */
  readonly failed: readonly UnreadableObject[];
  /** Those that are not read: the operator's own ones, and Secrets with too many labels for any selector. */
  readonly undecoded: readonly Undecoded[];
  /** Objects beyond the budget, which were not read. */
  readonly beyond: readonly Unread[];
  readonly exceeded: readonly Budget[];
  /** Uids of the selected Secrets that this pass read, or an earlier one since the last pass that read all of them. */
  readonly uids: ReadonlySet<string>;
}

type Content = Read<ConfigMap> | Read<RetainedSecret>;

/**
 * Reads the named objects of a proxy until its budget is spent, in an order that stays the same from pass to pass: objects
 * that the proxy names, then selected Secrets that were read before, then the other ones, the oldest first.
 */
export class NamedObjectsReader {
  readonly #cache: Cache;
  readonly #contents: Contents;

  constructor(cache: Cache, contents: Contents) {
    this.#cache = cache;
    this.#contents = contents;
  }

  /** `known`: `uids` of the last pass; undefined: no pass has read all of the selected Secrets yet. */
  async read(
    proxy: string,
    namespace: string,
    references: References,
    known: ReadonlySet<string> | undefined,
    load: Load,
    signal: AbortSignal,
  ): Promise<NamedObjects> {
    const named = [
      ...this.#named("Secret", namespace, references.secrets),
      ...this.#named("ConfigMap", namespace, references.configMaps),
    ].map(({ kind, object }) => neededContent(kind, object, references));
    const selected = this.#selected(namespace, references).sort(inOrder(known));
    const within = selected.slice(0, MOST.secrets).map((object) => neededContent("Secret", object, references));
    const all = [...named, ...within];
    const spent = { bytes: 0, entries: 0 };
    const secrets: Secret[] = [];
    const configMaps: ConfigMap[] = [];
    const failed: UnreadableObject[] = [];
    const uids = new Set(selected.map(uidOf).filter((uid) => known?.has(uid) === true));
    const beyond: Unread[] = [];
    const exceeded: Budget[] = [];
    const leaveOut = (
      budget: "secrets" | "bytes" | "entries",
      objects: readonly (readonly ["Secret" | "ConfigMap", KubeObject])[],
    ): void => {
      if (objects.length === 0) return;
      exceeded.push(budget);
      const words = beyondWords(budget, selected.length);
      beyond.push(...objects.map(([kind, object]) => beyondOf(kind, object, words, known)));
    };

    for (let from = 0; from < all.length; from += CHUNK) {
      const chunk = all.slice(from, from + CHUNK);
      const { found, unreadable } = await this.#contents.read<Content>(proxy, chunk, signal);
      let over: "bytes" | "entries" | undefined;
      let at = 0;
      for (; at < chunk.length && over === undefined; at += 1) {
        const { object, kind } = chunk[at] as NeededContent<Content>;
        const content = found.get(object);
        failed.push(...unreadable.filter((one) => one.object === object));
        if (content === undefined) continue;
        load.add(content.size);
        const isSecret = kind === "Secret";
        const entries = isSecret ? (content as Read<RetainedSecret>).object.count : 0;
        if (spent.bytes + content.size > MOST.bytes) over = "bytes";
        else if (spent.entries > MOST.entries && entries > 0) over = "entries";
        if (over !== undefined) break;
        spent.bytes += content.size;
        spent.entries += entries;
        if (isSecret) {
          secrets.push(unpackedSecret((content as Read<RetainedSecret>).object));
          uids.add(uidOf(object));
        } else configMaps.push((content as Read<ConfigMap>).object);
      }
      if (over === undefined) continue;
      leaveOut(
        over,
        all.slice(from + at).map(({ kind, object }) => [kind as "Secret" | "ConfigMap", object] as const),
      );
      break;
    }
    leaveOut(
      "secrets",
      selected.slice(MOST.secrets).map((object) => ["Secret", object] as const),
    );
    const undecoded = unusableObjects(this.#cache, namespace, references);
    return { secrets, configMaps, failed, undecoded, beyond, exceeded, uids };
  }

  #named(
    kind: "Secret" | "ConfigMap",
    namespace: string,
    names: ReadonlySet<string>,
  ): { readonly kind: "Secret" | "ConfigMap"; readonly object: KubeObject }[] {
    return [...names].sort().flatMap((name) => {
      const object = this.#cache.get(kind, namespace, name);
      return object === undefined || isMadeByOperator(object) ? [] : [{ kind, object }];
    });
  }

  /** Secrets that the selectors find, without those that the proxy names as well. */
  #selected(namespace: string, references: References): KubeObject[] {
    if (references.secretSelectors.length === 0) return [];
    return this.#cache
      .inNamespace("Secret", namespace)
      .filter(
        (secret) =>
          !references.secrets.has(secret.metadata.name) && selects(references, secret) && !isMadeByOperator(secret),
      );
  }
}

function neededContent(
  kind: "Secret" | "ConfigMap",
  object: KubeObject,
  references: References,
): NeededContent<Content> {
  const entries = [...(references.entries.get(`${kind} ${object.metadata.name}`) ?? [])].sort();
  const form = kind === "Secret" ? secretForm({ keys: selects(references, object), entries }) : configMapForm(entries);
  return { kind, object, form };
}

const uidOf = ({ metadata: { uid = "" } }: KubeObject): string => uid;

/** Secrets that were read before come first, then the older ones. */
function inOrder(known: ReadonlySet<string> | undefined): (a: KubeObject, b: KubeObject) => number {
  const rank = (object: KubeObject): number => (known?.has(uidOf(object)) === true ? 0 : 1);
  const text = ({ metadata: { creationTimestamp = "9", name } }: KubeObject): string => `${creationTimestamp} ${name}`;
  return (a, b) => rank(a) - rank(b) || (text(a) < text(b) ? -1 : 1);
}

function beyondOf(
  kind: "Secret" | "ConfigMap",
  { metadata: { namespace = "", name, labels = {}, uid = "" } }: KubeObject,
  beyond: string,
  known: ReadonlySet<string> | undefined,
): Unread {
  const isNew = known !== undefined && !known.has(uid);
  return { kind, metadata: { namespace, name, labels }, forbidden: false, words: "", beyond, isNew };
}

import { beyondWords, MOST, type Budget } from "./budgets.ts";
import { proxyLabelOf, type Cache } from "../watch/cache.ts";
import { configMapForm, secretForm, unpackedSecret, type KeptSecret, type Read } from "./content-forms.ts";
import type { Contents, UnreadObject, Wanted } from "../watch/contents.ts";
import type { KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import { selects, type References } from "../watch/references.ts";
import type { ConfigMap, Secret, Unread } from "../translate/resources.ts";

/** The Secrets and ConfigMaps that a proxy refers to, as far as its budget goes. */
export interface Referred {
  readonly secrets: readonly Secret[];
  readonly configMaps: readonly ConfigMap[];
  /** Those that are there and could not be read. */
  readonly failed: readonly UnreadObject[];
  /** Those that were left unread. */
  readonly beyond: readonly Unread[];
  readonly exceeded: readonly Budget[];
  /** Uids of the selected Secrets that were read, now or since all of them last were. */
  readonly uids: ReadonlySet<string>;
}

type Content = Read<ConfigMap> | Read<KeptSecret>;

/** Read together; what lies beyond the budget is found out after each of them. */
const CHUNK = 4;

/** Reads, in an order that does not change by itself, until the budget is spent: what is named, then what was read before, then the older. */
export class ReferredReader {
  readonly #cache: Cache;
  readonly #contents: Contents;

  constructor(cache: Cache, contents: Contents) {
    this.#cache = cache;
    this.#contents = contents;
  }

  /** `known`: uids of the Secrets that were read since all of them last were; undefined: that is not known. */
  async read(
    proxy: string,
    namespace: string,
    references: References,
    known: ReadonlySet<string> | undefined,
    load: Load,
    signal: AbortSignal,
  ): Promise<Referred> {
    const named = [
      ...this.#named("Secret", namespace, references.secrets),
      ...this.#named("ConfigMap", namespace, references.configMaps),
    ].map(({ kind, object }) => wantedOf(kind, object, references));
    const selected = this.#selected(namespace, references).sort(inOrder(known));
    const within = selected.slice(0, MOST.secrets).map((object) => wantedOf("Secret", object, references));
    const all = [...named, ...within];
    const spent = { bytes: 0, entries: 0 };
    const secrets: Secret[] = [];
    const configMaps: ConfigMap[] = [];
    const failed: UnreadObject[] = [];
    const uids = new Set(selected.map(uidOf).filter((uid) => known?.has(uid) === true));
    const beyond: Unread[] = [];
    const exceeded: Budget[] = [];
    const leave = (
      budget: "secrets" | "bytes" | "entries",
      left: readonly (readonly ["Secret" | "ConfigMap", KubeObject])[],
    ): void => {
      if (left.length === 0) return;
      exceeded.push(budget);
      const words = beyondWords(budget, selected.length);
      beyond.push(...left.map(([kind, object]) => beyondOf(kind, object, words, known)));
    };

    for (let from = 0; from < all.length; from += CHUNK) {
      const chunk = all.slice(from, from + CHUNK);
      const { found, unread } = await this.#contents.read<Content>(proxy, chunk, signal);
      let over: "bytes" | "entries" | undefined;
      let at = 0;
      for (; at < chunk.length && over === undefined; at += 1) {
        const { object, kind } = chunk[at] as Wanted<Content>;
        const content = found.get(object);
        failed.push(...unread.filter((one) => one.object === object));
        if (content === undefined) continue;
        load.add(content.size);
        const isSecret = kind === "Secret";
        const entries = isSecret ? (content as Read<KeptSecret>).object.count : 0;
        if (spent.bytes + content.size > MOST.bytes) over = "bytes";
        else if (spent.entries > MOST.entries && entries > 0) over = "entries";
        if (over !== undefined) break;
        spent.bytes += content.size;
        spent.entries += entries;
        if (isSecret) {
          secrets.push(unpackedSecret((content as Read<KeptSecret>).object));
          uids.add(uidOf(object));
        } else configMaps.push((content as Read<ConfigMap>).object);
      }
      if (over === undefined) continue;
      leave(
        over,
        all.slice(from + at).map(({ kind, object }) => [kind as "Secret" | "ConfigMap", object] as const),
      );
      break;
    }
    leave(
      "secrets",
      selected.slice(MOST.secrets).map((object) => ["Secret", object] as const),
    );
    return { secrets, configMaps, failed, beyond, exceeded, uids };
  }

  #named(
    kind: "Secret" | "ConfigMap",
    namespace: string,
    names: ReadonlySet<string>,
  ): { readonly kind: "Secret" | "ConfigMap"; readonly object: KubeObject }[] {
    return [...names].sort().flatMap((name) => {
      const object = this.#cache.get(kind, namespace, name);
      return object === undefined || isOurs(object) ? [] : [{ kind, object }];
    });
  }

  /** Those that are named, too, are among the named. */
  #selected(namespace: string, references: References): KubeObject[] {
    if (references.secretSelectors.length === 0) return [];
    return this.#cache
      .inNamespace("Secret", namespace)
      .filter(
        (secret) => !references.secrets.has(secret.metadata.name) && selects(references, secret) && !isOurs(secret),
      );
  }
}

/** Never our own: a config made of itself would not come to rest. */
function isOurs(object: KubeObject): boolean {
  return proxyLabelOf(object) !== undefined;
}

function wantedOf(kind: "Secret" | "ConfigMap", object: KubeObject, references: References): Wanted<Content> {
  const entries = [...(references.entries.get(`${kind} ${object.metadata.name}`) ?? [])].sort();
  const form = kind === "Secret" ? secretForm({ keys: selects(references, object), entries }) : configMapForm(entries);
  return { kind, object, form };
}

const uidOf = ({ metadata: { uid = "" } }: KubeObject): string => uid;

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
  const newcomer = known !== undefined && !known.has(uid);
  return { kind, metadata: { namespace, name, labels }, forbidden: false, words: "", beyond, newcomer };
}

import { CHUNK, MOST } from "./budgets.ts";
import type { Cache } from "../watch/cache.ts";
import { backendForm, type BackendObject, type Read } from "./content-forms.ts";
import type { Contents, NeededContent } from "../watch/contents.ts";
import type { KindName, KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import type { EndpointSlice, Service, Undecoded } from "../translate/resources.ts";

/** The Services that a proxy names and their EndpointSlices, as many as its budget allows. */
export interface BackendObjects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Service → number of its EndpointSlices, for each Service of which the budget left some out. */
  readonly cut: ReadonlyMap<string, number>;
  /** Those that exist and cannot be used: malformed, or Services beyond the budget. */
  readonly undecoded: readonly Undecoded[];
}

type Content = Read<BackendObject | undefined>;

const BEYOND = `is not read: the Services that the proxy names are larger than ${MOST.sliceBytes / 1024 / 1024}Mi together, the most that is read for one WebSocketProxy; divide the routes among several`;

/** Reads the Services first, then their EndpointSlices in the order of their names. Rejects if one cannot be read. */
export async function backendObjects(
  { cache, contents }: { readonly cache: Cache; readonly contents: Contents },
  proxy: string,
  namespace: string,
  names: ReadonlySet<string>,
  load: Load,
  signal: AbortSignal,
): Promise<BackendObjects> {
  const read = async (wanted: readonly NeededContent<Content>[]): Promise<(Content | undefined)[]> => {
    const { found, unreadable } = await contents.read(proxy, wanted, signal);
    const [first] = unreadable;
    if (first !== undefined) throw first.error;
    return wanted.map(({ object }) => found.get(object));
  };
  const sorted = [...names].sort();
  const known = sorted.flatMap((name) => cache.get("Service", namespace, name) ?? []);
  const spent = { bytes: 0, addresses: 0, slices: 0 };
  const services: Service[] = [];
  const undecoded: Undecoded[] = [];
  let looked = 0;
  for (const chunk of chunksOf(known)) {
    for (const content of await read(chunk.map((object) => neededContent("Service", object)))) {
      load.add(content?.size ?? 0);
      spent.bytes += content?.size ?? 0;
      if (spent.bytes > MOST.sliceBytes) break;
      looked += 1;
      if (content?.object?.kind === "Service") services.push(content.object.object);
      if (content?.object?.kind === "Undecoded") undecoded.push(content.object.object);
    }
    if (spent.bytes > MOST.sliceBytes) break;
  }
  // A Service beyond the budget cannot be used: without it, its port is not known.
  undecoded.push(...known.slice(looked).map(beyondOf));

  const slices = sorted.map((name) => ({ name, all: byName(cache.slicesOf(namespace, name)) }));
  const cut = new Map<string, number>();
  const endpointSlices: EndpointSlice[] = [];
  const isSpent = (): boolean =>
    spent.bytes > MOST.sliceBytes || spent.addresses > MOST.addresses || spent.slices >= MOST.slices;
  for (const { name, all } of slices) {
    for (const chunk of chunksOf(all)) {
      if (isSpent()) cut.set(name, all.length);
      if (isSpent()) break;
      for (const content of await read(chunk.map((object) => neededContent("EndpointSlice", object)))) {
        if (content?.object === undefined) continue;
        if (isSpent()) cut.set(name, all.length);
        if (isSpent()) break;
        load.add(content.size);
        spent.bytes += content.size;
        spent.slices += 1;
        if (content.object.kind === "Undecoded") undecoded.push(content.object.object);
        if (content.object.kind !== "EndpointSlice") continue;
        const slice = content.object.object;
        spent.addresses += slice.endpoints.reduce((sum, { addresses }) => sum + addresses.length, 0);
        endpointSlices.push(slice);
      }
    }
  }
  return { services, endpointSlices, cut, undecoded };
}

function neededContent(kind: KindName, object: KubeObject): NeededContent<Content> {
  return { kind, object, form: backendForm };
}

function beyondOf({ metadata: { namespace = "", name, labels = {} } }: KubeObject): Undecoded {
  return { kind: "Service", metadata: { namespace, name, labels }, words: BEYOND, beyond: true };
}

function byName(objects: readonly KubeObject[]): KubeObject[] {
  return [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += CHUNK) yield all.slice(from, from + CHUNK);
}

import { CHUNK, MOST } from "./budgets.ts";
import type { Cache } from "../watch/cache.ts";
import { backendForm, type Read } from "./content-forms.ts";
import type { Contents, NeededContent } from "../watch/contents.ts";
import type { KindName, KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import type { EndpointSlice, Service } from "../translate/resources.ts";

/** The Services that a proxy names and their EndpointSlices, as many as its budget allows. */
export interface BackendObjects {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Service → number of its EndpointSlices, for each Service of which the budget left some out. */
  readonly cut: ReadonlyMap<string, number>;
}

type Content = Read<Service | EndpointSlice | undefined>;

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
  const spent = { bytes: 0, addresses: 0 };
  const services: Service[] = [];
  for (const chunk of chunksOf(known)) {
    for (const content of await read(chunk.map((object) => neededContent("Service", object)))) {
      load.add(content?.size ?? 0);
      spent.bytes += content?.size ?? 0;
      // A Service beyond the budget counts as missing: without it, its port is not known.
      if (content?.object !== undefined && spent.bytes <= MOST.sliceBytes) services.push(content.object as Service);
    }
    if (spent.bytes > MOST.sliceBytes) break;
  }

  const slices = sorted.map((name) => ({ name, all: byName(cache.slicesOf(namespace, name)) }));
  const cut = new Map<string, number>();
  const endpointSlices: EndpointSlice[] = [];
  const isSpent = (): boolean =>
    spent.bytes > MOST.sliceBytes || spent.addresses > MOST.addresses || endpointSlices.length >= MOST.slices;
  for (const { name, all } of slices) {
    for (const chunk of chunksOf(all)) {
      if (isSpent()) cut.set(name, all.length);
      if (isSpent()) break;
      for (const content of await read(chunk.map((object) => neededContent("EndpointSlice", object)))) {
        if (content?.object === undefined) continue;
        if (isSpent()) cut.set(name, all.length);
        if (isSpent()) break;
        const slice = content.object as EndpointSlice;
        load.add(content.size);
        spent.bytes += content.size;
        spent.addresses += slice.endpoints.reduce((sum, { addresses }) => sum + addresses.length, 0);
        endpointSlices.push(slice);
      }
    }
  }
  return { services, endpointSlices, cut };
}

function neededContent(kind: KindName, object: KubeObject): NeededContent<Content> {
  return { kind, object, form: backendForm };
}

function byName(objects: readonly KubeObject[]): KubeObject[] {
  return [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += CHUNK) yield all.slice(from, from + CHUNK);
}

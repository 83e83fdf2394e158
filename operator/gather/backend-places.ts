import { MOST } from "./budgets.ts";
import type { Cache } from "../watch/cache.ts";
import { backendForm, type Read } from "./content-forms.ts";
import type { Contents, Wanted } from "../watch/contents.ts";
import type { KindName, KubeObject } from "../kube/kinds.ts";
import type { Load } from "../platform/load.ts";
import type { EndpointSlice, Service } from "../translate/resources.ts";

/** The Services that a proxy names, and where their pods are, as far as its budget goes. */
export interface BackendPlaces {
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  /** Services of which some EndpointSlices were left unread, and how many there are. */
  readonly cut: ReadonlyMap<string, number>;
}

type Content = Read<Service | EndpointSlice | undefined>;

const CHUNK = 4;

/** Reads the Services first, then the EndpointSlices by their names. Rejects where the API server does not show one. */
export async function backendPlaces(
  { cache, contents }: { readonly cache: Cache; readonly contents: Contents },
  proxy: string,
  namespace: string,
  names: ReadonlySet<string>,
  load: Load,
  signal: AbortSignal,
): Promise<BackendPlaces> {
  const read = async (wanted: readonly Wanted<Content>[]): Promise<(Content | undefined)[]> => {
    const { found, unread } = await contents.read(proxy, wanted, signal);
    const [failed] = unread;
    if (failed !== undefined) throw failed.error;
    return wanted.map(({ object }) => found.get(object));
  };
  const sorted = [...names].sort();
  const known = sorted.flatMap((name) => cache.get("Service", namespace, name) ?? []);
  const spent = { bytes: 0, addresses: 0 };
  const services: Service[] = [];
  for (const chunk of chunksOf(known)) {
    for (const content of await read(chunk.map((object) => wantedOf("Service", object)))) {
      load.add(content?.size ?? 0);
      spent.bytes += content?.size ?? 0;
      // Beyond the budget a Service is as good as missing: its port cannot be told.
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
      for (const content of await read(chunk.map((object) => wantedOf("EndpointSlice", object)))) {
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

function wantedOf(kind: KindName, object: KubeObject): Wanted<Content> {
  return { kind, object, form: backendForm };
}

function byName(objects: readonly KubeObject[]): KubeObject[] {
  return [...objects].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += CHUNK) yield all.slice(from, from + CHUNK);
}

import type { ResolvedRefsProblem } from "../../../api/conditions.ts";
import type { Config } from "../../../api/config.ts";
import type {
  ConfigMap,
  EndpointSlice,
  Resources,
  Secret,
  Service,
  TranslateOptions,
  Tools,
  Unread,
} from "../resources.ts";
import { ByKindAndName } from "./kind-and-name.ts";
import { undecodedObjects, type UndecodedObjects } from "./undecoded.ts";

/** A reference to a missing or unfit object, and the object in which the mistake is. */
export type ReferenceProblem = ResolvedRefsProblem & { readonly object: string };

/** The value that a reference leads to; undefined: there is none that can be used. */
export interface Found<T> {
  readonly value: T | undefined;
  readonly problems: readonly ReferenceProblem[];
}

/** The objects that one proxy may refer to, by name, and what the translation needs to read them. */
export interface Lookup {
  /** `WebSocketProxy demo/chat`. */
  readonly self: string;
  readonly namespace: string;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly services: ReadonlyMap<string, Service>;
  /** Service → its EndpointSlices. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  /** Service → number of its EndpointSlices, for each Service of which the budget left some out. */
  readonly cutServices: ReadonlyMap<string, number>;
  /** Secrets and ConfigMaps that exist and were not read. */
  readonly unread: readonly Unread[];
  /** The same: a spec may name thousands that its budget leaves out. */
  readonly unreadNamed: ByKindAndName<Unread>;
  /** Objects that exist and cannot be used at all. */
  readonly undecoded: UndecodedObjects;
  /** See `Resources.seenKeys`. */
  readonly seenKeys: ReadonlySet<string>;
  /** The config in force: the last good values of objects that were not read. */
  readonly inForce: Config | undefined;
  readonly tools: Tools;
  readonly externalNames: boolean;
  readonly secretsAtHand: boolean;
  /** Problems for the operator's log only: in the status they would tell its readers what Secrets hold. */
  readonly asides: ReferenceProblem[];
  /** Calls `make` once for each key: for values that several routes share. */
  once<T>(key: unknown, make: () => T): T;
}

/** A Lookup of the objects in the proxy's own namespace: `resources` may hold others, which are never found. */
export function lookupFor(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  resources: Resources,
  inForce: Config | undefined,
  tools: Tools,
  { externalNames, secretsAtHand = false }: TranslateOptions,
): Lookup {
  const own = <T extends { readonly metadata: Pick<Secret["metadata"], "namespace"> }>(
    objects: readonly T[],
  ): readonly T[] => objects.filter(({ metadata }) => metadata.namespace === namespace);
  const unread = own(resources.unread ?? []);
  const made = new Map<unknown, unknown>();
  return {
    self: `WebSocketProxy ${namespace}/${name}`,
    namespace,
    secrets: byName(own(resources.secrets)),
    configMaps: byName(own(resources.configMaps)),
    services: byName(own(resources.services)),
    slices: Map.groupBy(sorted(own(resources.endpointSlices)), ({ service }) => service),
    cutServices: resources.cutServices ?? new Map(),
    unread,
    unreadNamed: new ByKindAndName(unread),
    undecoded: undecodedObjects(sorted(own(resources.undecoded ?? []))),
    seenKeys: resources.seenKeys ?? new Set(),
    inForce,
    tools,
    externalNames,
    secretsAtHand,
    asides: [],
    once<T>(key: unknown, make: () => T): T {
      if (!made.has(key)) made.set(key, make());
      return made.get(key) as T;
    },
  };
}

/** A value without problems. */
export function found<T>(value: T): Found<T> {
  return { value, problems: [] };
}

/** No value, and the problems why. */
export function missing(...problems: readonly ReferenceProblem[]): Found<never> {
  return { value: undefined, problems };
}

/** The entry of a map; undefined: it has none (a key may be `constructor`, which every object inherits). */
export function entryOf(entries: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

/** In the order of their names: where only the first is named, it is the same whatever order they come in. */
function sorted<T extends { readonly metadata: { readonly name: string } }>(objects: readonly T[]): T[] {
  return [...objects].sort(({ metadata: a }, { metadata: b }) => (a.name < b.name ? -1 : 1));
}

function byName<T extends { readonly metadata: { readonly name: string } }>(
  objects: readonly T[],
): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [object.metadata.name, object]));
}

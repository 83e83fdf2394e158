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

/** A reference that leads nowhere, or to something unfit, and the object in which the mistake is. */
export type ReferenceProblem = ResolvedRefsProblem & { readonly object: string };

/** What was found behind a reference; undefined: nothing fit. */
export interface Found<T> {
  readonly value: T | undefined;
  readonly problems: readonly ReferenceProblem[];
}

/** The objects that one proxy may refer to, by name, and what is needed to read them. */
export interface Lookup {
  /** `WebSocketProxy demo/chat`. */
  readonly self: string;
  readonly namespace: string;
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly configMaps: ReadonlyMap<string, ConfigMap>;
  readonly services: ReadonlyMap<string, Service>;
  /** By Service. */
  readonly slices: ReadonlyMap<string, readonly EndpointSlice[]>;
  /** Services of which not all EndpointSlices were read, and how many there are. */
  readonly cutServices: ReadonlyMap<string, number>;
  /** Secrets and ConfigMaps that are there and cannot be read. */
  readonly unread: readonly Unread[];
  /** Digests that were seen in Secrets since some could not be read. */
  readonly seenKeys: ReadonlySet<string>;
  /** The config in force, for what cannot be known now. */
  readonly inForce: Config | undefined;
  readonly tools: Tools;
  readonly externalNames: boolean;
  readonly secretsAtHand: boolean;
  /** Mistakes whose words would tell readers of the status what Secrets hold: for the log of the process that reads them. */
  readonly asides: ReferenceProblem[];
  /** Makes what several routes share once. */
  once<T>(key: unknown, make: () => T): T;
}

/** Only objects of the proxy's own namespace can be found, whoever gathered them. */
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
  const made = new Map<unknown, unknown>();
  return {
    self: `WebSocketProxy ${namespace}/${name}`,
    namespace,
    secrets: byName(own(resources.secrets)),
    configMaps: byName(own(resources.configMaps)),
    services: byName(own(resources.services)),
    slices: Map.groupBy(own(resources.endpointSlices), ({ service }) => service),
    cutServices: resources.cutServices ?? new Map(),
    unread: own(resources.unread ?? []),
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

export function found<T>(value: T): Found<T> {
  return { value, problems: [] };
}

export function missing(...problems: readonly ReferenceProblem[]): Found<never> {
  return { value: undefined, problems };
}

/** Own entries only: a key may be called `constructor`. */
export function entryOf(entries: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(entries, key) ? entries[key] : undefined;
}

function byName<T extends { readonly metadata: { readonly name: string } }>(
  objects: readonly T[],
): ReadonlyMap<string, T> {
  return new Map(objects.map((object) => [object.metadata.name, object]));
}

import type { Undecoded } from "../resources.ts";
import { ByKindAndName } from "./kind-and-name.ts";

/** The objects that exist and cannot be used at all, as they are looked for: there may be as many as a spec has backends. */
export interface UndecodedObjects {
  readonly secrets: readonly Undecoded[];
  /** Service → its EndpointSlices. */
  readonly slices: ReadonlyMap<string, readonly Undecoded[]>;
  readonly named: ByKindAndName<Undecoded>;
}

/** Puts the objects where a lookup finds them without a search. They keep their order. */
export function undecodedObjects(all: readonly Undecoded[]): UndecodedObjects {
  const slices = all.filter(({ kind }) => kind === "EndpointSlice");
  return {
    secrets: all.filter(({ kind }) => kind === "Secret"),
    slices: Map.groupBy(slices, ({ service = "" }) => service),
    named: new ByKindAndName(all),
  };
}

/** The object of this name, if it exists and cannot be used at all. */
export function undecodedOf(
  kind: Undecoded["kind"],
  name: string,
  { undecoded }: { readonly undecoded: UndecodedObjects },
): Undecoded | undefined {
  return undecoded.named.get(kind, name);
}

/** Why an object cannot be used, as a sentence about it. */
export function undecodedWords({ words, beyond }: Undecoded): string {
  return beyond === true ? words : `is malformed, so it is not used: ${words}`;
}

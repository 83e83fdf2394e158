import { isDeepStrictEqual } from "node:util";

/** One operation of a JSON Patch (RFC 6902). Fields that no operation names reach the pod as they came, byte for byte. */
export type Operation =
  | { readonly op: "add" | "replace"; readonly path: string; readonly value: unknown }
  | { readonly op: "remove"; readonly path: string };

/** A JSON Pointer (RFC 6901) to a field. */
export function pointer(...steps: readonly (string | number)[]): string {
  return steps.map((step) => `/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

/** Sets entries of a map of texts, and removes those that are to be undefined. */
export function entryEdits(
  path: string,
  before: Readonly<Record<string, string>> | undefined,
  wanted: Readonly<Record<string, string | undefined>>,
): Operation[] {
  const entries = Object.entries(wanted);
  if (before === undefined) {
    const value = Object.fromEntries(entries.filter(([, text]) => text !== undefined));
    return Object.keys(value).length === 0 ? [] : [{ op: "add", path, value }];
  }
  return entries.flatMap(([key, value]): Operation[] => {
    const is = Object.hasOwn(before, key) ? before[key] : undefined;
    if (is === value) return [];
    const at = path + pointer(key);
    if (value === undefined) return [{ op: "remove", path: at }];
    return [{ op: is === undefined ? "add" : "replace", path: at, value }];
  });
}

/** Where items of ours may stand in a list. */
export type Place = "Anywhere" | "AtTheEnd";

/** Puts items at the end of a list, in place of those at `ours` (ascending), unless they are there and as wanted. */
export function itemEdits(
  path: string,
  before: readonly unknown[] | undefined,
  ours: readonly number[],
  wanted: readonly unknown[],
  place: Place,
): Operation[] {
  if (before === undefined) return [{ op: "add", path, value: wanted }];
  const isPlaced = place === "Anywhere" || ours[0] === before.length - wanted.length;
  const found = ours.map((at) => before[at]);
  if (isPlaced && isDeepStrictEqual(found, wanted)) return [];
  return [
    ...ours.toReversed().map((at): Operation => ({ op: "remove", path: path + pointer(at) })),
    ...wanted.map((value): Operation => ({ op: "add", path: `${path}/-`, value })),
  ];
}

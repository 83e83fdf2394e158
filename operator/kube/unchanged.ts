import type { Applicable } from "./apply.ts";
import type { KubeObject } from "./kinds.ts";
import { sameQuantity } from "./quantity.ts";
import { isRecord } from "./record.ts";

/**
 * Does the live object have every field of `wanted`, with the same value? Fields that Kubernetes and other writers added
 * do not count. A field that an earlier apply set and `wanted` leaves out is not noticed here: the caller has to compare
 * `wanted` with what it applied last.
 */
export function unchanged(wanted: Applicable, live: KubeObject | undefined): boolean {
  return live !== undefined && contains(live, wanted, "");
}

/** The values in these fields of `resources` and volumes are quantities, which the API server may write in another way. */
const QUANTITIES = new Set(["limits", "requests", "sizeLimit"]);

/** `under`: the nearest field above the value that may hold quantities; else the value's own field, or empty. */
function contains(live: unknown, wanted: unknown, under: string): boolean {
  if (isNothing(wanted) && isNothing(live)) return true;
  if (Array.isArray(wanted)) return Array.isArray(live) && containsAll(live, wanted);
  if (isRecord(wanted)) {
    if (!isRecord(live)) return false;
    return Object.entries(wanted).every(([key, value]) =>
      contains(Object.hasOwn(live, key) ? live[key] : undefined, value, QUANTITIES.has(under) ? under : key),
    );
  }
  return live === wanted || (QUANTITIES.has(under) && sameQuantity(live, wanted));
}

/**
 * A list of entries with names is compared by name: several writers share it, so order and further entries do not
 * count. Any other list is one value: the same entries in the same order.
 */
function containsAll(live: readonly unknown[], wanted: readonly unknown[]): boolean {
  if (wanted.length > 0 && wanted.every(isNamed)) {
    return wanted.every((one) =>
      live.some((other) => isNamed(other) && other.name === one.name && contains(other, one, "")),
    );
  }
  return live.length === wanted.length && wanted.every((one, index) => contains(live[index], one, ""));
}

/** The API server leaves out values that are empty, zero or false. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return true;
  return Array.isArray(value)
    ? value.length === 0
    : isRecord(value) && Object.values(value).every((one) => one === undefined);
}

function isNamed(value: unknown): value is Record<string, unknown> & { readonly name: string } {
  return isRecord(value) && typeof value["name"] === "string";
}

import type { Manifest } from "./apply.ts";
import type { KubeObject } from "./kinds.ts";
import { sameQuantity } from "./quantity.ts";

/**
 * Is the live object as the manifest says? Every field of the manifest has to be in it; what Kubernetes, its controllers
 * and other people added beside them is theirs. What a manifest no longer names cannot be seen here: whoever applies
 * remembers which manifest was applied last.
 */
export function unchanged(manifest: Manifest, live: KubeObject | undefined): boolean {
  return live !== undefined && contains(live, manifest, "");
}

/** Below these fields of `resources` and volumes stand quantities, which the API server spells its own way. */
const QUANTITIES = new Set(["limits", "requests", "sizeLimit"]);

/** `under`: the field that a value stands below, where quantities may be; else empty. */
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
 * Entries with names are found by them, wherever they stand and whatever stands beside them: such lists belong to several
 * writers. All others are one value: as many entries, in the same order.
 */
function containsAll(live: readonly unknown[], wanted: readonly unknown[]): boolean {
  if (wanted.length > 0 && wanted.every(isNamed)) {
    return wanted.every((one) =>
      live.some((other) => isNamed(other) && other.name === one.name && contains(other, one, "")),
    );
  }
  return live.length === wanted.length && wanted.every((one, index) => contains(live[index], one, ""));
}

/** The API server leaves out what is empty, zero or false by itself. */
function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return true;
  return Array.isArray(value)
    ? value.length === 0
    : isRecord(value) && Object.values(value).every((one) => one === undefined);
}

function isNamed(value: unknown): value is Record<string, unknown> & { readonly name: string } {
  return isRecord(value) && typeof value["name"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

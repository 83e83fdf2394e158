import type { Memory } from "./memory.ts";

/**
 * Returns what `make` made of a settings object: it is called once for all routes that share the object, and for all
 * configs that have it (unchanged settings stay the same object, see `in-pieces.ts`). `make` must depend on nothing but
 * these settings.
 */
export function once<T>(memory: Memory, what: string, settings: object, make: () => T): T {
  const all = memory.recall("compiled settings", () => new Map<string, WeakMap<object, unknown>>());
  const made = all.get(what) ?? new WeakMap();
  all.set(what, made);
  if (!made.has(settings)) made.set(settings, make());
  return made.get(settings) as T;
}

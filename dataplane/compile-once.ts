import type { Memory } from "./memory.ts";

/**
 * What is made of a settings object, made once for all routes that share it and for as long as configs have it: see
 * `config-reader.ts`, which keeps unchanged settings the same object. `make` looks at nothing but these settings.
 */
export function once<T>(memory: Memory, what: string, settings: object, make: () => T): T {
  const all = memory.recall("compiled settings", () => new Map<string, WeakMap<object, unknown>>());
  const made = all.get(what) ?? new WeakMap();
  all.set(what, made);
  if (!made.has(settings)) made.set(settings, make());
  return made.get(settings) as T;
}

import type { Memory } from "./memory.ts";

/**
 * What is made of a settings object, made once for all routes that share it and for as long as configs have it: see
 * `config-reader.ts`, which keeps unchanged settings the same object. `make` looks at nothing but these settings.
 */
export function once<T>(memory: Memory, what: string, settings: object, make: () => T): T {
  const made = memory.recall(`compiled ${what}`, () => new WeakMap<object, { readonly value: T }>());
  const known = made.get(settings);
  if (known !== undefined) return known.value;
  const value = make();
  made.set(settings, { value });
  return value;
}

/** The same value with the fields of every object in the order of their names, and without those that are undefined. */
export function sortedKeys<T>(value: T): T {
  return sorted(value) as T;
}

/** JSON of a value: the same text whatever the order in which its fields were set. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return Object.fromEntries(fields.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, field]) => [key, sorted(field)]));
}

import { textSize } from "../../api/text-size.ts";

/** The same value with the fields of every object sorted by name, without fields that are undefined. */
export function sortedKeys<T>(value: T): T {
  return sorted(value) as T;
}

/** JSON of a value: the same text in whatever order its fields were set. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(sorted(value));
}

/** Longest piece, about; characters. */
const PIECE = 65_536;

/** The same text piece by piece, so that the whole text is never in memory. */
export function* canonicalPieces(value: unknown): Generator<string> {
  if (typeof value !== "object" || value === null || textSize(value, PIECE) <= PIECE) {
    yield canonicalJson(value) ?? "null";
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) {
      yield index === 0 ? "[" : ",";
      yield* canonicalPieces(item);
    }
    yield "]";
  } else {
    for (const [index, [key, field]] of fieldsOf(value).entries()) {
      yield `${index === 0 ? "{" : ","}${JSON.stringify(key)}:`;
      yield* canonicalPieces(field);
    }
    yield "}";
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(fieldsOf(value).map(([key, field]) => [key, sorted(field)]));
}

function fieldsOf(value: object): [string, unknown][] {
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  return fields.sort(([a], [b]) => (a < b ? -1 : 1));
}

export type HeaderField = readonly [name: string, value: string];

/** All values of a header field, in order; `name` in lower case. */
export function valuesOf(headers: readonly HeaderField[], name: string): string[] {
  const values: string[] = [];
  for (const [field, value] of headers) {
    // The lengths first: nearly every field is another, and a name of some kilobytes is put in lower case for none.
    if (field.length === name.length && field.toLowerCase() === name) values.push(value);
  }
  return values;
}

/** Elements of a list of which one at most may be other than empty. */
export const MAX_ELEMENTS = 64;

/**
 * Elements of a list over all lines of a field, without empty ones (RFC 9110 §5.6.1), which count all the same: undefined
 * if there are more than `most`.
 */
export function elementsOf(headers: readonly HeaderField[], name: string, most: number): string[] | undefined {
  const elements = valuesOf(headers, name)
    .join(",")
    .split(",", most + 1);
  if (elements.length > most) return undefined;
  return elements.map((element) => element.trim()).filter((element) => element !== "");
}

/** Names in the Connection fields of a head; one with more is refused, be it a client's or a backend's. */
export const MAX_CONNECTION_OPTIONS = 64;

/**
 * Names in the Connection fields, in lower case: what is meant for one hop only (RFC 9110 §7.6.1). Of each field at most
 * one more than MAX_CONNECTION_OPTIONS.
 */
export function connectionOptions(headers: readonly HeaderField[]): string[] {
  return valuesOf(headers, "connection").flatMap((value) =>
    value.split(",", MAX_CONNECTION_OPTIONS + 1).map((name) => name.trim().toLowerCase()),
  );
}

/** Names and values in turn, as in Node's `rawHeaders`, as fields. */
export function fieldsOf(raw: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) fields.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return fields;
}

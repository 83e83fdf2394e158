/**
 * About how many characters a value takes as JSON; stops counting above `most`. A value that is used in several places
 * counts each time, except a list for which `isKnown` is true: it was counted before.
 */
export function textSize(
  value: unknown,
  most: number,
  isKnown: (list: readonly unknown[]) => boolean = () => false,
): number {
  if (typeof value === "string") return ESCAPED.test(value) ? JSON.stringify(value).length : value.length + 2;
  if (typeof value !== "object" || value === null) return 5;
  let size = 2;
  if (Array.isArray(value)) {
    if (isKnown(value)) return size;
    for (const item of value) {
      size += 1 + textSize(item, most - size, isKnown);
      if (size > most) return size;
    }
    return size;
  }
  for (const [key, field] of Object.entries(value)) {
    if (field === undefined) continue;
    size += key.length + 4 + textSize(field, most - size, isKnown);
    if (size > most) return size;
  }
  return size;
}

/** Characters that JSON escapes. */
// oxlint-disable-next-line no-control-regex
const ESCAPED = /["\\\u0000-\u001f]/;

import { isUtf8 } from "node:buffer";

/** Objects and lists that may stand in each other. A pod has about 15. */
const DEEPEST = 64;
/** Values of one review, each of which takes up to 100 bytes of memory. A pod of 3 MiB in small fields has as many. */
const MOST_VALUES = 300_000;

/** What came of a body: its value, or what is wrong with it, in words. */
export type Parsed = { readonly review: unknown } | { readonly fault: string };

/**
 * Reads a body as JSON. Its nesting and the number of its values are bounded before it is parsed: a few bytes of `[` would
 * become as many objects, and no code that walks through a value counts how deep it is.
 */
export function parseReview(body: Buffer): Parsed {
  if (!isUtf8(body)) return { fault: "the body is not UTF-8" };
  const fault = faultOfShape(body);
  if (fault !== undefined) return { fault };
  try {
    return { review: JSON.parse(body.toString("utf8")) };
  } catch {
    return { fault: "the body is not JSON" };
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const OPEN_LIST = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_LIST = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/** Counts depth and values; whether the text is JSON is for the parser to say. */
function faultOfShape(body: Buffer): string | undefined {
  let depth = 0;
  let values = 0;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) at = endOfText(body, at + 1);
    else if (byte === COMMA) values += 1;
    else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      values += 1;
      depth += 1;
      if (depth > DEEPEST) return `the body nests more than ${DEEPEST} objects and lists in each other`;
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) depth -= 1;
  }
  return values > MOST_VALUES ? `the body has more than ${MOST_VALUES} values` : undefined;
}

/** Where the closing quote of a text stands; the end of the body: it has none. */
function endOfText(body: Buffer, from: number): number {
  for (let quote = body.indexOf(QUOTE, from); quote !== -1; quote = body.indexOf(QUOTE, quote + 1)) {
    let escapes = 0;
    while (body[quote - 1 - escapes] === BACKSLASH && quote - 1 - escapes >= from) escapes += 1;
    if (escapes % 2 === 0) return quote;
  }
  return body.length;
}

/** A part of a text; `to` is behind it. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** Bytes between a name and its value in a binary form: a type and a length. */
const MOST_BETWEEN = 8;

/**
 * The value of the field whose name stands from `begin` to `at`: `"name": "value"`, `name=value`, `Name: value`,
 * `<name>value<`, the same escaped within another text, or a list or an object as a whole. undefined: no value follows. Of a
 * value that is cut: all that is there.
 */
export function valueBehind(text: string, begin: number, at: number, binary: boolean): Part | undefined {
  if (text[at] === ">" && text[begin - 1] === "<" && text[begin] !== "/") return upTo(text, at + 1, "<");
  const quoted = behindQuote(text, at);
  const separator = skipSpace(text, quoted);
  const sign = text[separator];
  if (sign !== ":" && sign !== "=") return binary ? binaryValue(text, at) : undefined;
  const from = skipSpace(text, sign === "=" && text[separator + 1] === ">" ? separator + 2 : separator + 1);
  const opened = behindQuote(text, from);
  if (opened > from) return { from: opened, to: stringEnd(text, opened, opened - from - 1) };
  if (text[from] === "[" || text[from] === "{") return { from, to: nestedEnd(text, from) };
  // Of a header, or of a line such as `password: two words`, the line; of a query or a form, the field.
  const ends = quoted > at ? ",}]\r\n" : sign === ":" ? "\r\n" : "&;, \t\r\n\"'<>)}]\\";
  return upTo(text, from, ends);
}

function upTo(text: string, from: number, ends: string): Part {
  let to = from;
  while (to < text.length && !ends.includes(text.charAt(to))) to += 1;
  return { from, to };
}

/** Behind a quotation mark, and the backslashes before it, if there is one at `at`; else `at`. */
function behindQuote(text: string, at: number): number {
  let to = at;
  while (text[to] === "\\") to += 1;
  return text[to] === '"' || text[to] === "'" ? to + 1 : at;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === " " || text[at] === "\t" || text[at] === "\r" || text[at] === "\n") at += 1;
  return at;
}

/** Where the string ends that was opened by a quotation mark behind so many backslashes. */
function stringEnd(text: string, from: number, escapes: number): number {
  const mark = text[from - 1];
  let backslashes = 0;
  for (let at = from; at < text.length; at += 1) {
    const one = text[at];
    if (one === "\\") {
      backslashes += 1;
      continue;
    }
    if (one === mark && escapes === 0 && backslashes % 2 === 0) return at;
    if (one === mark && escapes > 0 && backslashes <= escapes) return at - backslashes;
    backslashes = 0;
  }
  return text.length;
}

/** Behind the bracket that closes the one at `from`. */
function nestedEnd(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    const one = text[at];
    if (one === '"') at = stringEnd(text, at + 1, 0);
    else if (one === "[" || one === "{") depth += 1;
    else if (one === "]" || one === "}") depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** In a binary form, such as MessagePack: the text behind a few bytes that are none. */
function binaryValue(text: string, at: number): Part | undefined {
  let from = at;
  while (from < text.length && from - at < MOST_BETWEEN && !isPrintable(text.charCodeAt(from))) from += 1;
  if (from === at) return undefined;
  let to = from;
  while (to < text.length && isPrintable(text.charCodeAt(to))) to += 1;
  return { from, to };
}

function isPrintable(code: number): boolean {
  return code >= 32 && code < 127;
}

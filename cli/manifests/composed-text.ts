import { Composer, LineCounter, Parser, type CST, type Document } from "yaml";
import { offsetOf } from "./yaml-nodes.ts";

/** Lists and mappings inside each other; beyond it the parser's own recursion is at risk. */
const MAX_DEPTH = 100;
const MAX_DOCUMENTS = 10_000;

/** The documents of a text as the library reads them, with the lines of the text. */
export interface Composed {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

export interface Spot {
  readonly line: number;
  readonly column: number;
}

/**
 * A text whose documents are composed when they are asked for, and let go again: they take up 50 times as much memory as
 * the text, and are needed to find the place of a mistake only.
 */
export class ComposedText {
  readonly #text: string;
  #composed: WeakRef<Composed> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** What is wrong with the whole of it, in words that follow the name of a file. */
  compose(): Composed | string {
    const known = this.#composed?.deref();
    if (known !== undefined) return known;
    const composed = compose(this.#text);
    if (typeof composed !== "string") this.#composed = new WeakRef(composed);
    return composed;
  }

  /** Where a field stands, or the nearest one above it that is there. */
  spot(document: number, keys: readonly (string | number)[]): Spot {
    const composed = this.compose();
    const found = typeof composed === "string" ? undefined : composed.documents[document];
    if (typeof composed === "string" || found === undefined) return { line: 1, column: 1 };
    return spotAt(composed.lines, offsetOf(found, keys));
  }
}

export function spotAt(lines: LineCounter, offset: number): Spot {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

class TooDeep extends Error {}

function compose(text: string): Composed | string {
  const lines = new LineCounter();
  const composer = new Composer({ prettyErrors: false, stringKeys: true, merge: true, keepSourceTokens: false });
  try {
    const documents = [...composer.compose(shallow(new Parser(lines.addNewLine).parse(text)))];
    if (documents.length > MAX_DOCUMENTS) return `holds more than ${MAX_DOCUMENTS} documents`;
    return { documents, lines };
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    return `is nested more than ${MAX_DEPTH} levels deep`;
  }
}

/** Each token before it is composed, which is done by recursion. */
function* shallow(tokens: Iterable<CST.Token>): Iterable<CST.Token> {
  for (const token of tokens) {
    if (depthOf(token) > MAX_DEPTH) throw new TooDeep();
    yield token;
  }
}

/** Lists and mappings inside each other, counted without recursion. */
function depthOf(root: CST.Token): number {
  let deepest = 0;
  const open: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }];
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { token, depth } = entry;
    deepest = Math.max(deepest, depth);
    for (const inner of insideOf(token)) open.push({ token: inner, depth: depth + 1 });
  }
  return deepest;
}

function insideOf(token: CST.Token): CST.Token[] {
  if (token.type === "document") return token.value === undefined ? [] : [token.value];
  if (!("items" in token)) return [];
  return token.items.flatMap((item) => [item.key, "value" in item ? item.value : undefined].filter((it) => it != null));
}

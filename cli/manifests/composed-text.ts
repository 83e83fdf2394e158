import { Composer, LineCounter, Parser, type CST, type Document } from "yaml";
import { offsetOf } from "./yaml-nodes.ts";

/** Levels of nested lists and mappings; deeper ones could overflow the stack of the parser, which recurses. */
const MAX_DEPTH = 100;
const MAX_DOCUMENTS = 10_000;

/** The documents of a text as the yaml library reads them, and where its lines begin. */
export interface Composed {
  readonly documents: readonly Document.Parsed[];
  readonly lines: LineCounter;
}

/** Both counted from 1. */
export interface TextPosition {
  readonly line: number;
  readonly column: number;
}

/**
 * A text that is composed into documents when a caller needs them, and again after the garbage collector took them:
 * documents take 50 times the memory of the text, and only the position of a mistake needs them.
 */
export class ComposedText {
  readonly #text: string;
  #composed: WeakRef<Composed> | undefined;

  constructor(text: string) {
    this.#text = text;
  }

  /** The documents, or what is wrong with the whole text, in words that follow the name of a file. */
  compose(): Composed | string {
    const known = this.#composed?.deref();
    if (known !== undefined) return known;
    const composed = compose(this.#text);
    if (typeof composed !== "string") this.#composed = new WeakRef(composed);
    return composed;
  }

  /** Position of a field, or of its nearest parent that exists. `document` counts from 0. */
  position(document: number, keys: readonly (string | number)[]): TextPosition {
    const composed = this.compose();
    const found = typeof composed === "string" ? undefined : composed.documents[document];
    if (typeof composed === "string" || found === undefined) return { line: 1, column: 1 };
    return positionAt(composed.lines, offsetOf(found, keys));
  }
}

export function positionAt(lines: LineCounter, offset: number): TextPosition {
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

/** Passes tokens on, and throws at one that is nested too deep: the composer would recurse into it. */
function* shallow(tokens: Iterable<CST.Token>): Iterable<CST.Token> {
  for (const token of tokens) {
    if (depthOf(token) > MAX_DEPTH) throw new TooDeep();
    yield token;
  }
}

/** Levels of nested lists and mappings, counted without recursion. */
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

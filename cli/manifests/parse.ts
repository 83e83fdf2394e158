import { Composer, LineCounter, Parser, type CST, type Document } from "yaml";
import { fieldPath } from "../../api/problem.ts";
import { yamlFault } from "./yaml-faults.ts";
import { fieldAt, keysOf, offsetOf } from "./yaml-nodes.ts";
import type { Finding, Place } from "./place.ts";

/** A mapping of a document, with where it stands; not yet known to be a Kubernetes object. */
export interface ParsedObject {
  readonly value: Readonly<Record<string, unknown>>;
  readonly place: Place;
}

export interface Parsed {
  readonly objects: readonly ParsedObject[];
  readonly findings: readonly Finding[];
}

/** Lists and mappings inside each other; beyond it the parser's own recursion is at risk. */
const MAX_DEPTH = 100;
/** How often aliases may multiply what is written. */
const MAX_ALIASES = 100;
const MAX_DOCUMENTS = 10_000;

/** YAML or JSON text → the objects in it, `kind: List` unpacked, and every mistake by itself. Never throws for a text. */
export function parseManifests(file: string, text: string): Parsed {
  const lines = new LineCounter();
  const tokens = [...new Parser(lines.addNewLine).parse(text)];
  if (depthOf(tokens) > MAX_DEPTH) {
    return { objects: [], findings: [{ file, message: `is nested more than ${MAX_DEPTH} levels deep` }] };
  }
  const composer = new Composer({ prettyErrors: false, stringKeys: true, merge: true, keepSourceTokens: false });
  const composed = [...composer.compose(tokens)];
  if (composed.length > MAX_DOCUMENTS) {
    return { objects: [], findings: [{ file, message: `holds more than ${MAX_DOCUMENTS} documents` }] };
  }
  const results = composed.map((document, index) => new DocumentReader(file, index + 1, document, lines).read());
  const findings = results.flatMap((result) => result.findings);
  const objects = results.flatMap((result) => result.objects);
  if (objects.length === 0 && findings.length === 0) return { objects, findings: [{ file, message: EMPTY }] };
  return { objects, findings };
}

const EMPTY = "holds no manifest; to take its objects away, delete the file";

class DocumentReader {
  readonly #file: string;
  readonly #number: number;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(file: string, number: number, document: Document.Parsed, lines: LineCounter) {
    this.#file = file;
    this.#number = number;
    this.#document = document;
    this.#lines = lines;
  }

  read(): Parsed {
    const faults = [...this.#document.errors, ...this.#document.warnings];
    if (faults.length > 0) {
      // Only here are the fields around what they seem: elsewhere a value with a colon in it looks like a key.
      const fieldOf = ({ code, pos }: (typeof faults)[number]): string =>
        code === "DUPLICATE_KEY" ? fieldAt(this.#document, pos[0]) : "";
      const findings = faults.map((fault) => this.#finding(fault.pos[0], fieldOf(fault), yamlFault(fault)));
      return { objects: [], findings };
    }
    const value = this.#value();
    if (typeof value === "string") return this.#wrong("", value);
    if (value.plain === null) return { objects: [], findings: [] };
    return this.#objects(value.plain, "");
  }

  /** Free of aliases and cycles: what JSON can say. */
  #value(): { readonly plain: unknown } | string {
    try {
      return { plain: JSON.parse(JSON.stringify(this.#document.toJS({ maxAliasCount: MAX_ALIASES }) ?? null)) };
    } catch (error) {
      if (error instanceof TypeError) return "holds an alias (*name) to something that it is itself inside of";
      if (!(error instanceof ReferenceError)) throw error;
      const bomb = /excessive/i.test(error.message);
      return bomb ? "aliases (*name) make the document too large" : "an alias (*name) has no anchor (&name) before it";
    }
  }

  #objects(value: unknown, root: string): Parsed {
    if (!isMapping(value))
      return this.#wrong(root, "is not an object; write a mapping with apiVersion, kind, metadata");
    if (!isList(value)) return { objects: [{ value, place: this.#place(value, root) }], findings: [] };
    const { items } = value;
    if (!Array.isArray(items)) return this.#wrong(fieldPath(root, ["items"]), "must be a list of objects");
    const parts = items.map((item, index) => this.#objects(item, fieldPath(root, ["items", index])));
    return { objects: parts.flatMap((part) => part.objects), findings: parts.flatMap((part) => part.findings) };
  }

  #place(value: Readonly<Record<string, unknown>>, root: string): Place {
    const { stringData } = value;
    const written = (field: string): string => {
      const [first, entry = ""] = keysOf(field);
      const plain = first === "data" && isMapping(stringData) && Object.hasOwn(stringData, entry);
      return plain ? fieldPath("stringData", [entry]) : field;
    };
    return {
      file: this.#file,
      document: this.#number,
      line: (field) => this.#at(offsetOf(this.#document, [...keysOf(root), ...keysOf(written(field))])).line,
      written,
    };
  }

  #wrong(field: string, message: string): Parsed {
    const offset = offsetOf(this.#document, keysOf(field));
    return { objects: [], findings: [this.#finding(offset, field, message)] };
  }

  #finding(offset: number, field: string, message: string): Finding {
    const object = objectName(this.#document);
    return {
      file: this.#file,
      document: this.#number,
      ...this.#at(offset),
      ...(object === undefined ? {} : { object }),
      field,
      message,
    };
  }

  #at(offset: number): { line: number; column: number } {
    const { line, col } = this.#lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }
}

/** The name of an object in a document that is broken elsewhere. */
function objectName(document: Document.Parsed): string | undefined {
  const text = (...path: string[]): string | undefined => {
    const value: unknown = document.getIn(path);
    return typeof value === "string" && /^[A-Za-z0-9.-]{1,253}$/.test(value) ? value : undefined;
  };
  try {
    const kind = text("kind");
    const name = text("metadata", "name");
    return kind === undefined || name === undefined
      ? undefined
      : `${kind} ${text("metadata", "namespace") ?? "default"}/${name}`;
  } catch {
    return undefined; // `metadata` is no mapping
  }
}

/** Lists and mappings inside each other; counted without recursion, since what comes after it has some. */
function depthOf(tokens: readonly CST.Token[]): number {
  let deepest = 0;
  const open: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 }));
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

/** `kubectl get -o yaml` writes several objects as one. */
function isList(value: Readonly<Record<string, unknown>>): boolean {
  return value["apiVersion"] === "v1" && value["kind"] === "List";
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

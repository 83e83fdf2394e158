import type { Document, LineCounter } from "yaml";
import { ComposedText, positionAt } from "./composed-text.ts";
import { yamlFault } from "./yaml-faults.ts";
import { fieldAt, keysOf, offsetOf } from "./yaml-nodes.ts";
import { objectsIn, type ParsedObject, type DocumentSource, type Wrong } from "./objects-in.ts";
import type { Finding } from "./location.ts";

/** What a text or a document holds. */
export interface Parsed {
  readonly objects: readonly ParsedObject[];
  readonly findings: readonly Finding[];
}

/** Bound of the yaml library on how much aliases may multiply a document. */
const MAX_ALIASES = 100;

/**
 * YAML or JSON text → the objects in it (a `kind: List` gives its items) and every mistake. Never throws, whatever the
 * text holds.
 */
export function parseManifests(file: string, text: string): Parsed {
  const whole = new ComposedText(text);
  const composed = whole.compose();
  if (typeof composed === "string") return { objects: [], findings: [{ file, message: composed }] };
  const { documents, lines } = composed;
  const results = documents.map((document, index) =>
    new DocumentReader({ file, number: index + 1, text: whole }, document, lines).read(),
  );
  const findings = results.flatMap((result) => result.findings);
  const objects = results.flatMap((result) => result.objects);
  if (objects.length === 0 && findings.length === 0) return { objects, findings: [{ file, message: EMPTY }] };
  return { objects, findings };
}

const EMPTY = "holds no manifest; to take its objects away, delete the file";

class DocumentReader {
  readonly #source: DocumentSource;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(source: DocumentSource, document: Document.Parsed, lines: LineCounter) {
    this.#source = source;
    this.#document = document;
    this.#lines = lines;
  }

  read(): Parsed {
    const faults = [...this.#document.errors, ...this.#document.warnings];
    if (faults.length > 0) {
      // Only for a duplicate key is the field reliable: in other faults a value with a colon in it may look like a key.
      const fieldOf = ({ code, pos }: (typeof faults)[number]): string =>
        code === "DUPLICATE_KEY" ? fieldAt(this.#document, pos[0]) : "";
      const findings = faults.map((fault) => this.#finding(fault.pos[0], fieldOf(fault), yamlFault(fault)));
      return { objects: [], findings };
    }
    const value = this.#value();
    if (typeof value === "string") return this.#wrong({ field: "", message: value });
    const { objects, wrong } = objectsIn(value.plain, this.#source);
    return { objects, findings: wrong.flatMap((one) => this.#wrong(one).findings) };
  }

  /** The document as plain JSON, its aliases resolved; a text says why that is impossible. */
  #value(): { readonly plain: unknown } | string {
    try {
      return { plain: JSON.parse(JSON.stringify(this.#document.toJS({ maxAliasCount: MAX_ALIASES }) ?? null)) };
    } catch (error) {
      if (error instanceof TypeError) return "holds an alias (*name) to a value that contains the alias";
      if (!(error instanceof ReferenceError)) throw error;
      const bomb = /excessive/i.test(error.message);
      return bomb ? "aliases (*name) make the document too large" : "an alias (*name) has no anchor (&name) before it";
    }
  }

  #wrong({ field, message }: Wrong): Parsed {
    const offset = offsetOf(this.#document, keysOf(field));
    return { objects: [], findings: [this.#finding(offset, field, message)] };
  }

  #finding(offset: number, field: string, message: string): Finding {
    const object = objectName(this.#document);
    return {
      file: this.#source.file,
      document: this.#source.number,
      ...positionAt(this.#lines, offset),
      ...(object === undefined ? {} : { object }),
      field,
      message,
    };
  }
}

/** `<kind> <namespace>/<name>` of the object in a document that has mistakes; undefined: not readable. */
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

import type { Document, LineCounter } from "yaml";
import { ComposedText, spotAt } from "./composed-text.ts";
import { yamlFault } from "./yaml-faults.ts";
import { fieldAt, keysOf, offsetOf } from "./yaml-nodes.ts";
import { objectsIn, type ParsedObject, type Source, type Wrong } from "./objects-in.ts";
import type { Finding } from "./place.ts";

export interface Parsed {
  readonly objects: readonly ParsedObject[];
  readonly findings: readonly Finding[];
}

/** How often aliases may multiply what is written. */
const MAX_ALIASES = 100;

/** YAML or JSON text → the objects in it, `kind: List` unpacked, and every mistake by itself. Never throws for a text. */
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
  readonly #source: Source;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(source: Source, document: Document.Parsed, lines: LineCounter) {
    this.#source = source;
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
    if (typeof value === "string") return this.#wrong({ field: "", message: value });
    const { objects, wrong } = objectsIn(value.plain, this.#source);
    return { objects, findings: wrong.flatMap((one) => this.#wrong(one).findings) };
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

  #wrong({ field, message }: Wrong): Parsed {
    const offset = offsetOf(this.#document, keysOf(field));
    return { objects: [], findings: [this.#finding(offset, field, message)] };
  }

  #finding(offset: number, field: string, message: string): Finding {
    const object = objectName(this.#document);
    return {
      file: this.#source.file,
      document: this.#source.number,
      ...spotAt(this.#lines, offset),
      ...(object === undefined ? {} : { object }),
      field,
      message,
    };
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

import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAst } from "rolldown/parseAst";

const ROOT = join(import.meta.dirname, "../..");

/** A regular expression literal of the product. */
export interface Literal {
  /** `<file>: /<source>/<flags>`, for test titles. */
  readonly name: string;
  readonly source: string;
  readonly flags: string;
}

/**
 * The regular expressions in the sources of these folders, without tests, and the files that construct some; from their
 * syntax trees.
 */
export function regularExpressionsIn(folders: readonly string[]): { literals: Literal[]; constructed: string[] } {
  const literals: Literal[] = [];
  const constructed: string[] = [];
  const files = folders.flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: ROOT }));
  for (const file of files.filter((name) => !name.endsWith(".test.ts")).sort()) {
    visit(parseAst(readFileSync(join(ROOT, file), "utf8"), { lang: "ts" }), (node) => {
      const regex = node["regex"] as { pattern: string; flags: string } | undefined;
      if (node["type"] === "Literal" && regex !== undefined && regex !== null) {
        const { pattern: source, flags } = regex;
        literals.push({ name: `${file}: /${source}/${flags}`, source, flags });
      }
      const callee = node["callee"] as { name?: unknown } | undefined;
      if (callee?.name === "RegExp") constructed.push(file);
    });
  }
  return { literals, constructed };
}

type Node = Readonly<Record<string, unknown>>;

function visit(value: unknown, look: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const one of value) visit(one, look);
  } else if (typeof value === "object" && value !== null) {
    const node = value as Node;
    if (typeof node["type"] === "string") look(node);
    for (const child of Object.values(node)) visit(child, look);
  }
}

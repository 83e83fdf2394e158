import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Script } from "../../dataplane/limits/store/scripts/script.ts";

const FOLDER = join(import.meta.dirname, "../../dataplane/limits/store/scripts");

/** Every script that a file of the folder exports, with the name of its export. */
export async function exportedScripts(): Promise<readonly (readonly [string, Script])[]> {
  const files = readdirSync(FOLDER).filter((file) => /^[\w-]+\.ts$/.test(file));
  const modules = await Promise.all(files.map(async (file) => (await import(join(FOLDER, file))) as object));
  return modules.flatMap((exported) => Object.entries(exported).filter(isScript));
}

/** The commands that a script may run, in small letters. They stand in its text: a name that is put together is refused. */
export function commandsOf({ text }: Script): readonly string[] {
  const calls = text.match(/\bredis\.p?call\b/g) ?? [];
  const names = [...text.matchAll(/\bredis\.p?call\('([A-Z]+)'/g)].map(([, name = ""]) => name.toLowerCase());
  if (names.length !== calls.length) throw new Error("a command of the script does not stand in its text");
  return [...new Set(names)];
}

function isScript(entry: [string, unknown]): entry is [string, Script] {
  return typeof entry[1] === "object" && entry[1] !== null && "operation" in entry[1] && "sha1" in entry[1];
}

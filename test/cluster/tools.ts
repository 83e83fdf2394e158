import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { command } from "./command.ts";

export const ROOT = join(import.meta.dirname, "../..");
const BUILD = join(ROOT, "test/apiserver/tools/build.sh");
const FOLDER = execFileSync(BUILD, ["--where"], { encoding: "utf8" }).trim();

/** Where a tool of the pinned graph is, once it has been built. */
export const toolPath = (name: string): string => join(FOLDER, name);

/** Builds what is not there yet: from nothing, minutes. */
export async function buildTools(...names: readonly string[]): Promise<void> {
  await command(BUILD, names, { aloud: true });
}

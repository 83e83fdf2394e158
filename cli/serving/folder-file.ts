import { open, type FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { fileFault } from "./file-fault.ts";
import type { FolderProblem, Version } from "./folder-texts.ts";

/** The bytes of a file of a version; one that is missing follows, one that cannot be read or is too large does not. */
export async function bytesIn(version: Version, name: string, most: number): Promise<Buffer | FolderProblem> {
  const shown = join(version.folder, name);
  let file: FileHandle | undefined;
  try {
    file = await open(join(version.path, name));
    const found = await file.stat();
    if (!found.isFile()) return { problem: `${shown} is not a file` };
    if (found.size > most) return { problem: `${shown} is larger than ${most} bytes` };
    return await file.readFile();
  } catch (error) {
    const { fault, problem } = fileFault(shown, error);
    return fault === "missing" ? { problem, incomplete: true } : { problem };
  } finally {
    await file?.close();
  }
}

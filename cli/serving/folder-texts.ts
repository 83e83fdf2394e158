import { readdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_FILE, ENDPOINTS_FILE, PACKED } from "../../api/meta.ts";
import { fileFault } from "./file-fault.ts";

/** Why a folder gives no config. */
export interface FolderProblem {
  readonly problem: string;
  /** No file of a config is there. */
  readonly absent?: true;
  /** Files of one version are missing, as while a volume is updated: they follow. */
  readonly incomplete?: true;
}

/** Config and endpoints as they stand in a folder. */
export interface Texts {
  readonly config: string;
  readonly endpoints: string;
}

/** The files of one version of a folder. */
export interface Version {
  /** As the user named it: for words. */
  readonly folder: string;
  /** Where the files are. */
  readonly path: string;
  /** The files of a config that are there. */
  readonly names: ReadonlySet<string>;
}

const PACKED_FILES: ReadonlySet<string> = new Set([
  PACKED.configParts,
  PACKED.configHash,
  PACKED.endpoints,
  PACKED.endpointsHash,
  ...Array.from({ length: PACKED.mostParts }, (_, part) => PACKED.configPart(part)),
]);

/** In a mounted volume `..data` leads to a folder for each version: all files come from the same one. */
export async function versionPath(folder: string): Promise<string> {
  return realpath(join(folder, "..data")).catch(() => folder);
}

/** The files in a version of a folder. A folder that is missing or cannot be read says nothing of its config. */
export async function versionAt(folder: string, path: string): Promise<Version | FolderProblem> {
  try {
    const names = (await readdir(path)).filter(isOurs);
    if (names.length === 0) return { problem: `${folder} has no config`, absent: true };
    return { folder, path, names: new Set(names) };
  } catch (error) {
    return { problem: fileFault(folder, error).problem };
  }
}

/** Does the config come as objects of the API hold it? The plain files count where its hash is not there. */
export function isPacked({ names }: Version): boolean {
  return names.has(PACKED.configHash) || (!names.has(CONFIG_FILE) && [...names].some((name) => PACKED_FILES.has(name)));
}

function isOurs(name: string): boolean {
  return name === CONFIG_FILE || name === ENDPOINTS_FILE || PACKED_FILES.has(name);
}

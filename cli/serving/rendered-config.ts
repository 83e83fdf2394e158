import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_FILE, ENDPOINTS_FILE, LARGEST_TEXT, PACKED } from "../../api/meta.ts";
import type { InvalidUpdate, RawUpdate, Update } from "../../dataplane/config/read-update.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { packedTexts } from "./packed-files.ts";
import type { FolderProblem, Texts } from "./folder-texts.ts";

/** Parses what a folder holds. */
export type ReadUpdate = (raw: RawUpdate) => Promise<Update | InvalidUpdate>;

/** The rendered config in a folder, as an operator writes it, or what is wrong with the folder. */
export async function readRenderedConfig(
  folder: string,
  read: ReadUpdate,
): Promise<Update | InvalidUpdate | FolderProblem> {
  const version = await versionOf(folder);
  const update = await readVersion(version, read);
  // Taken away while it was read: the next one is there.
  return "problem" in update && (await versionOf(folder)) !== version ? readRenderedConfig(folder, read) : update;
}

async function readVersion(version: string, read: ReadUpdate): Promise<Update | InvalidUpdate | FolderProblem> {
  const packed = await isThere(join(version, PACKED.configHash));
  const texts = await (packed ? packedTexts(version) : plainTexts(version));
  if ("problem" in texts) return texts;
  const config = parsed(texts.config);
  const endpoints = parsed(texts.endpoints);
  if (config === undefined) return { problem: `${join(version, CONFIG_FILE)} is not JSON` };
  if (endpoints === undefined) return { problem: `${join(version, ENDPOINTS_FILE)} is not JSON` };
  const hashes = { hash: hashOf(texts.config), endpointsHash: hashOf(texts.endpoints) };
  const update = await read({ config, endpoints, ...hashes });
  if (packed && "config" in update && !fitTogether(update)) {
    return { problem: "the endpoints are those of another config", incomplete: true };
  }
  return update;
}

/** In a mounted volume `..data` leads to a folder for each version: all files come from the same one. */
async function versionOf(folder: string): Promise<string> {
  return realpath(join(folder, "..data")).catch(() => folder);
}

async function plainTexts(version: string): Promise<Texts | FolderProblem> {
  const config = await readText(join(version, CONFIG_FILE));
  if (typeof config !== "string") return config;
  const endpoints = await readText(join(version, ENDPOINTS_FILE));
  return typeof endpoints === "string" ? { config, endpoints } : { problem: endpoints.problem };
}

async function readText(path: string): Promise<string | FolderProblem> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST_TEXT) return { problem: `${path} is larger than ${LARGEST_TEXT} bytes` };
    return await readFile(path, "utf8");
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    return absent ? { problem: `${path} does not exist`, absent } : { problem: `${path} cannot be read` };
  }
}

/** undefined: not JSON. A parser's own words would quote the text, which holds secrets. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/**
 * Config and endpoints come in objects of their own, and one may be there before the other. A config whose backends are
 * not listed yet would refuse every client until they are.
 */
function fitTogether({ config, endpoints: { backends: listed } }: Update): boolean {
  return config.routes.every(({ backends }) => backends.every(({ endpoints }) => Object.hasOwn(listed, endpoints)));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

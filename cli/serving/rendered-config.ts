import { join } from "node:path";
import { CONFIG_FILE, ENDPOINTS_FILE, LARGEST_TEXT } from "../../api/meta.ts";
import type { InvalidUpdate, RawUpdate, Update } from "../../dataplane/config/read-update.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { bytesIn } from "./folder-file.ts";
import { isPacked, versionAt, versionPath, type FolderProblem, type Texts, type Version } from "./folder-texts.ts";
import { packedTexts } from "./packed-files.ts";

/** Parses what a folder holds. */
export type ReadUpdate = (raw: RawUpdate) => Promise<Update | InvalidUpdate>;

/** The rendered config in a folder, as an operator writes it, or what is wrong with the folder. */
export async function readRenderedConfig(
  folder: string,
  read: ReadUpdate,
): Promise<Update | InvalidUpdate | FolderProblem> {
  const path = await versionPath(folder);
  const update = await readVersion(folder, path, read);
  // Taken away while it was read: the next one is there.
  return "problem" in update && (await versionPath(folder)) !== path ? readRenderedConfig(folder, read) : update;
}

async function readVersion(
  folder: string,
  path: string,
  read: ReadUpdate,
): Promise<Update | InvalidUpdate | FolderProblem> {
  const version = await versionAt(folder, path);
  if ("problem" in version) return version;
  const packed = isPacked(version);
  const texts = await (packed ? packedTexts(version) : plainTexts(version));
  if ("problem" in texts) return texts;
  const config = parsed(texts.config);
  const endpoints = parsed(texts.endpoints);
  if (config === undefined) return { problem: `${join(folder, CONFIG_FILE)} is not JSON` };
  if (endpoints === undefined) return { problem: `${join(folder, ENDPOINTS_FILE)} is not JSON` };
  const hashes = { hash: hashOf(texts.config), endpointsHash: hashOf(texts.endpoints) };
  const update = await read({ config, endpoints, ...hashes });
  if (packed && "config" in update && !fitTogether(update)) {
    return { problem: "the endpoints are those of another config", incomplete: true };
  }
  return update;
}

async function plainTexts(version: Version): Promise<Texts | FolderProblem> {
  const config = await bytesIn(version, CONFIG_FILE, LARGEST_TEXT);
  if ("problem" in config) return config;
  const endpoints = await bytesIn(version, ENDPOINTS_FILE, LARGEST_TEXT);
  if ("problem" in endpoints) return endpoints;
  return { config: config.toString("utf8"), endpoints: endpoints.toString("utf8") };
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

import { readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_FILE, ENDPOINTS_FILE, LARGEST_TEXT, PACKED } from "../../api/meta.ts";
import type { Update } from "../../dataplane/config/read-update.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { packedTexts } from "./packed-files.ts";
import type { FolderProblem, Texts } from "./folder-texts.ts";

/** A folder with a rendered config, as an operator writes it, or what is wrong with it. */
export async function readRenderedConfig(folder: string): Promise<Update | FolderProblem> {
  const version = await versionOf(folder);
  const update = await readVersion(version);
  // Taken away while it was read: the next one is there.
  return "problem" in update && (await versionOf(folder)) !== version ? readRenderedConfig(folder) : update;
}

async function readVersion(version: string): Promise<Update | FolderProblem> {
  const packed = await isThere(join(version, PACKED.configHash));
  const texts = await (packed ? packedTexts(version) : plainTexts(version));
  if ("problem" in texts) return texts;
  const config = parsed(texts.config);
  const endpoints = parsed(texts.endpoints);
  if (config === undefined) return { problem: `${join(version, CONFIG_FILE)} is not JSON` };
  if (endpoints === undefined) return { problem: `${join(version, ENDPOINTS_FILE)} is not JSON` };
  if (packed && !fitTogether(config, endpoints)) {
    return { problem: "the endpoints are those of another config", incomplete: true };
  }
  return { config, endpoints, hash: hashOf(texts.config), endpointsHash: hashOf(texts.endpoints) };
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

interface Named {
  readonly routes?: readonly { readonly backends?: readonly { readonly endpoints?: string }[] }[];
}

/**
 * Config and endpoints come in objects of their own, and one may be there before the other. A config whose backends are
 * not listed yet would refuse everybody for as long.
 */
function fitTogether(config: unknown, endpoints: unknown): boolean {
  const listed = (endpoints as { readonly backends?: object } | null)?.backends ?? {};
  const { routes } = (config ?? {}) as Named;
  if (!Array.isArray(routes)) return true; // whoever puts it in force says what is wrong with it
  const named = (routes as NonNullable<Named["routes"]>).flatMap((route) => route.backends ?? []);
  return named.every((backend) => Object.hasOwn(listed, backend.endpoints ?? ""));
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

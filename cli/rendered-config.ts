import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_FILE, ENDPOINTS_FILE } from "../api/meta.ts";
import type { Update } from "../dataplane/gateway.ts";

/** Most bytes of one file. */
const LARGEST = 64 * 1024 * 1024;

/** What is wrong with a folder. */
export interface FolderProblem {
  readonly problem: string;
  /** There is no config yet, which is no mistake of a folder that is still to be filled. */
  readonly absent: boolean;
}

/** Name of a config: the SHA-256 of its text, in hex. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A folder with a rendered config, as an operator writes it, or what is wrong with it. */
export async function readRenderedConfig(folder: string): Promise<Update | FolderProblem> {
  const version = await versionOf(folder);
  const config = await readJson(join(version, CONFIG_FILE));
  if ("problem" in config) return config;
  const endpoints = await readJson(join(version, ENDPOINTS_FILE));
  if ("problem" in endpoints) return { ...endpoints, absent: false };
  return { config: config.value, endpoints: endpoints.value, hash: hashOf(config.text) };
}

/** In a mounted Secret `..data` leads to a folder for each version: both files come from the same one. */
async function versionOf(folder: string): Promise<string> {
  const data = join(folder, "..data");
  const mounted = await stat(data).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return mounted ? data : folder;
}

async function readJson(path: string): Promise<{ text: string; value: unknown } | FolderProblem> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST) return { problem: `${path} is larger than ${LARGEST} bytes`, absent: false };
    const text = await readFile(path, "utf8");
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    // A parser's own words quote the text, which holds secrets.
    const absent = (error as NodeJS.ErrnoException).code === "ENOENT";
    const what = error instanceof SyntaxError ? "is not JSON" : absent ? "does not exist" : "cannot be read";
    return { problem: `${path} ${what}`, absent };
  }
}

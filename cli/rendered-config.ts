import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CONFIG_FILE, ENDPOINTS_FILE } from "../api/meta.ts";
import type { Update } from "../dataplane/gateway.ts";

/** Most bytes of one file. */
const LARGEST = 64 * 1024 * 1024;

/** Name of a config: the SHA-256 of its text, in hex. */
export function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** A folder with a rendered config, as an operator writes it, or what is wrong with it. */
export async function readRenderedConfig(folder: string): Promise<Update | { readonly problem: string }> {
  const config = await readJson(join(folder, CONFIG_FILE));
  if ("problem" in config) return config;
  const endpoints = await readJson(join(folder, ENDPOINTS_FILE));
  if ("problem" in endpoints) return endpoints;
  return { config: config.value, endpoints: endpoints.value, hash: hashOf(config.text) };
}

async function readJson(path: string): Promise<{ text: string; value: unknown } | { problem: string }> {
  try {
    const text = await readFile(path, "utf8");
    if (text.length > LARGEST) return { problem: `${path} is larger than ${LARGEST} bytes` };
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    return { problem: `${path}: ${error instanceof SyntaxError ? "is not JSON" : "cannot be read"}` };
  }
}

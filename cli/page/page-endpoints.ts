import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import {
  openEndpoint,
  textAnswer,
  type AdminAnswer,
  type AdminEndpoints,
} from "../../runtime/admin-port/admin-endpoint.ts";

/** Files of the page, by the ending of their name. What ends in another way is not served. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/**
 * The page loads only its own files, sends nothing elsewhere, runs no script in its text, and stands in no frame of another
 * page. No address that it is left for learns where it was.
 */
const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
};

/**
 * The debug page at `/debug`, and its files at `/debug/{file}`. They are open and hold nothing secret: the page asks for all
 * data with the token of its link. The files are read once; no path of a request is looked up in a file system.
 */
export async function pageEndpoints(): Promise<AdminEndpoints> {
  // In a checkout beside this file, in the image beside the bundle.
  const folder = join(import.meta.dirname, "debug");
  const names = (await readdir(folder)).filter((file) => Object.hasOwn(TYPES, extname(file)));
  const files = new Map<string, AdminAnswer>();
  // One after the other: a process that has few descriptors left starts all the same.
  for (const name of names) files.set(name, await fileAnswer(folder, name));
  const answer = (name: string): AdminAnswer => files.get(name) ?? textAnswer(404, "not found");
  return {
    "/debug": openEndpoint(() => answer("index.html")),
    "/debug/{file}": openEndpoint((_query, _client, file = "") => answer(file)),
  };
}

async function fileAnswer(folder: string, name: string): Promise<AdminAnswer> {
  const body = await readFile(join(folder, name));
  return { status: 200, contentType: TYPES[extname(name)] ?? "", body, headers: HEADERS };
}

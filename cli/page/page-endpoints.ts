import { readdir, readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { openEndpoint, type AdminEndpoints } from "../../runtime/admin-port/admin-endpoint.ts";

/** Files of the page, by the ending of their name. What ends in another way is not served. */
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

const FIRST = "index.html";

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
 * The debug page at `/debug`, and its files at `/debug/<file>`. They are open and hold nothing secret: the page asks for all
 * data with the token of its link. The files are read once; no path of a request is looked up.
 */
export async function pageEndpoints(): Promise<AdminEndpoints> {
  // In a checkout beside this file, in the image beside the bundle.
  const folder = join(import.meta.dirname, "debug");
  const served = (await readdir(folder)).filter((file) => Object.hasOwn(TYPES, extname(file)));
  const files = await Promise.all(
    served.map(async (file) => {
      const answer = {
        status: 200,
        contentType: TYPES[extname(file)] ?? "",
        body: await readFile(join(folder, file)),
        headers: HEADERS,
      };
      return [file === FIRST ? "/debug" : `/debug/${file}`, openEndpoint(() => answer)] as const;
    }),
  );
  return Object.fromEntries(files);
}

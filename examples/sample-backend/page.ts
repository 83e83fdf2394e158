import { readFile } from "node:fs/promises";
import type { IncomingMessage, RequestListener } from "node:http";
import { join } from "node:path";
import { json, send, words, type Answer } from "./answer.ts";
import { answerProbe } from "./probe-endpoint.ts";
import type { Probe } from "./probe.ts";

/** Every file that is served: path → file and media type. No other path is looked up. */
const FILES: Readonly<Record<string, readonly [file: string, type: string]>> = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/page.js": ["page.js", "text/javascript; charset=utf-8"],
  "/words.js": ["words.js", "text/javascript; charset=utf-8"],
  "/page.css": ["page.css", "text/css; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
};

/** A listener for plain requests: the files of the page (read once), `/settings` for its script, and `POST /probe`. */
export async function loadPage(name: string, probe: Probe): Promise<RequestListener> {
  const folder = join(import.meta.dirname, "page");
  const pages = new Map<string, Answer>([["/settings", json(200, { name, gateway: probe.gateway })]]);
  for (const [path, [file, type]] of Object.entries(FILES)) {
    pages.set(path, { status: 200, type, body: await readFile(join(folder, file)) });
  }
  const answer = (request: IncomingMessage): Answer | Promise<Answer> => {
    const path = (request.url ?? "").replace(/\?.*$/s, "");
    if (path === "/probe") return answerProbe(request, probe);
    const page = pages.get(path);
    if (page === undefined) return words(404, "Not found. The page is at /; every other path speaks WebSocket only.");
    const readable = request.method === "GET" || request.method === "HEAD";
    return readable ? page : words(405, "GET only", { allow: "GET, HEAD" });
  };
  return (request, response) => {
    Promise.resolve(answer(request)).then(
      (it) => send(request, response, it),
      () => response.destroy(), // the client closed the connection while its question was read
    );
  };
}

import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { json, words, type Answer } from "./answer.ts";
import type { Probe, Question } from "./probe.ts";

/** Bytes of a question at most. */
const MAX_QUESTION = 16_384;
/** A subprotocol: an RFC 9110 token. */
const TOKEN = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,4096}$/;

/** Answers `POST /probe`, only for the page that this server sent. */
export async function answerProbe(request: IncomingMessage, probe: Probe): Promise<Answer> {
  if (request.method !== "POST") return words(405, "POST only", { allow: "POST" });
  const { origin, host = "" } = request.headers;
  if (origin !== `http://${host}` || !isOwnName(host)) {
    return words(403, "Only the page of this server may ask, opened as localhost or by an IP address.");
  }
  if (request.headers["content-type"] !== "application/json") return words(415, "application/json only");
  const question = questionIn(await read(request));
  if (question === undefined) {
    return words(
      400,
      'Ask with {"target": "/path?query", "protocols": ["…"]}: a target as it stands in a request line.',
    );
  }
  return json(200, await probe.ask(question, origin));
}

/**
 * DNS rebinding: an attacker's DNS can resolve any other name to this server, and pages of that name would have this
 * origin.
 */
function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
  return name === "localhost" || isIP(name) !== 0;
}

/** The body; empty: it is too long. */
async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= MAX_QUESTION) chunks.push(chunk);
  }
  return size <= MAX_QUESTION ? Buffer.concat(chunks).toString() : "";
}

function questionIn(body: string): Question | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return undefined;
  }
  const { target, protocols } = (value ?? {}) as Partial<Record<keyof Question, unknown>>;
  if (typeof target !== "string" || !/^\/[\x21-\x22\x24-\x7e]*$/.test(target)) return undefined;
  if (!Array.isArray(protocols) || new Set(protocols).size !== protocols.length) return undefined;
  const names = protocols.filter((name): name is string => typeof name === "string" && TOKEN.test(name));
  return names.length === protocols.length ? { target, protocols: names } : undefined;
}

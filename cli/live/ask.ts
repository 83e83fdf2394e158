import { request, type IncomingMessage } from "node:http";
import { addAbortListener } from "node:events";
import { readBody, type BodyRead } from "../../runtime/bounded-body.ts";
import { oneLine } from "../connect/terminal-text.ts";
import { LiveFailure } from "./live-failure.ts";
import type { Place } from "./target.ts";

/** One question to the admin port of a process. */
export interface Question {
  readonly method?: "GET" | "POST";
  /** As it stands in the request line, without the query. */
  readonly path: string;
  /** Parameters with undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
}

/** A form that a value is read by, such as a schema of `api/`. */
export interface Form<T> {
  safeParse(value: unknown): { readonly success: true; readonly data: T } | { readonly success: false };
}

/** Time for a whole answer, its connection included, in ms. */
export const PATIENCE = 10_000;
/** Bytes of an answer: a page ends after a million characters, of which each may take four bytes. */
const LARGEST_ANSWER = 8 * 1024 * 1024;
/** Bytes of a sentence with which a process refuses a question. */
const LARGEST_SENTENCE = 4096;
/** Characters of that sentence that are shown. */
const LONGEST_SENTENCE = 300;

/** Paths that answer for one proxy of a process. */
const OF_ONE_PROXY: ReadonlySet<string> = new Set(["/sessions", "/sessions/close", "/debug/events", "/debug/frames"]);

/** What an admin port says of a path that it does not have, and of a parameter. */
const NO_PATH = "not found";
const NO_PARAMETER = /^this (page|path) takes .* only$/;

/** Asks one process. Rejects with LiveFailure; the answer's fields that the form does not know are passed over. */
export async function ask<T>(place: Place, question: Question, form: Form<T>, signal: AbortSignal): Promise<T> {
  const parsed = form.safeParse(json(await askText(place, question, signal)));
  if (!parsed.success) throw nonsense(place);
  return parsed.data;
}

/** The whole answer of one process as text. Rejects with LiveFailure. */
export async function askText(place: Place, question: Question, signal: AbortSignal): Promise<string> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
  const response = await opened(place, question, limit);
  const { end, text } = await bodyOf(response, LARGEST_ANSWER, limit);
  if (end === "Broken") throw new LiveFailure("Unreachable", `the answer of ${place.name} broke off`);
  if (end === "TooLong") throw nonsense(place);
  return text;
}

/**
 * Opens a stream of one process; its body goes on until `signal` aborts or the process ends it. Rejects with LiveFailure.
 */
export async function openStream(place: Place, question: Question, signal: AbortSignal): Promise<IncomingMessage> {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE);
  try {
    const response = await opened(place, question, signal, patience.signal);
    if (/^text\/event-stream\b/.test(response.headers["content-type"] ?? "")) return response;
    response.destroy();
    throw nonsense(place);
  } finally {
    clearTimeout(timer);
  }
}

/** The answer with status 200. A token that has changed is read anew, once. */
async function opened(
  place: Place,
  question: Question,
  signal: AbortSignal,
  patience: AbortSignal = signal,
): Promise<IncomingMessage> {
  const either = AbortSignal.any([signal, patience]);
  const { token } = place;
  let response = await send(place, question, signal, either);
  if (response.statusCode === 401 && (place.token !== token || (await place.renewToken(either)))) {
    response.destroy();
    response = await send(place, question, signal, either);
  }
  if (response.statusCode !== 200) throw await refusal(place, question, response, either);
  return response;
}

/** The head of the answer; `whole` aborts the body, too. */
async function send(
  place: Place,
  { method = "GET", path, query = {} }: Question,
  whole: AbortSignal,
  head: AbortSignal,
): Promise<IncomingMessage> {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.set(name, String(value));
  if (place.only !== undefined && OF_ONE_PROXY.has(path)) {
    // A page may ask for another one: its sessions are not those that are meant.
    if ((query["proxy"] ?? place.only) !== place.only) {
      throw new LiveFailure("Absent", `only the proxy ${oneLine(place.only)} is asked here`, { status: 404 });
    }
    search.set("proxy", place.only);
  }
  const silent = (cause: unknown): LiveFailure => new LiveFailure("Unreachable", silence(place, cause), { cause });
  const socket = await place.connect(head);
  if (socket.destroyed) throw silent(socket.errored);
  return new Promise((resolve, reject) => {
    const call = request({
      method,
      path: search.size === 0 ? path : `${path}?${search.toString()}`,
      headers: { host: place.host, authorization: `Bearer ${place.token}` },
      maxHeaderSize: 16_384,
      signal: whole,
      createConnection: () => socket,
    });
    const late = addAbortListener(head, () => call.destroy());
    call.on("response", (response) => {
      late[Symbol.dispose]();
      response.on("error", () => {}); // the reader of the body gets this error too
      resolve(response);
    });
    call.on("upgrade", (_response, upgraded) => {
      upgraded.destroy();
      reject(nonsense(place));
    });
    call.on("error", (error) => {
      late[Symbol.dispose]();
      reject(silent(error));
    });
    call.end();
  });
}

function silence({ name }: Place, cause: unknown): string {
  if (cause instanceof Error && cause.name === "PortUnreachable") {
    return `no process listens on the admin port of ${name}; is it ready?`;
  }
  return `${name} gives no answer within ${PATIENCE / 1000} s, or is gone`;
}

async function refusal(
  place: Place,
  { path }: Question,
  response: IncomingMessage,
  signal: AbortSignal,
): Promise<LiveFailure> {
  const status = response.statusCode ?? 0;
  const { text } = await bodyOf(response, LARGEST_SENTENCE, signal);
  // So answer the listener, which takes no admin token either, and other servers than ours.
  if (/\bproblem\+json\b|\bhtml\b/.test(response.headers["content-type"] ?? "")) return nonsense(place);
  if (status === 401) return new LiveFailure("WrongToken", place.wrongToken);
  if (status === 431) return new LiveFailure("Refused", `what is asked for is too long for ${place.name}`, { status });
  const sentence = text.trim();
  if (status === 405 || (status === 404 && sentence === NO_PATH)) return old(place, path);
  if (status === 400 && NO_PARAMETER.test(sentence)) return old(place, `a parameter of ${path}`);
  const words = oneLine(sentence).slice(0, LONGEST_SENTENCE);
  const kind = status === 404 ? "Absent" : "Refused";
  return new LiveFailure(kind, `${place.name} answers ${status}${words === "" ? "" : `: ${words}`}`, { status });
}

function old({ name }: Place, what: string): LiveFailure {
  return new LiveFailure("Old", `${name} does not know ${what}: its gateway is of an earlier version; update it`);
}

interface Body {
  readonly end: BodyRead["end"];
  readonly text: string;
}

/** An abort breaks it off. */
function bodyOf(response: IncomingMessage, bytes: number, signal: AbortSignal): Promise<Body> {
  const late = addAbortListener(signal, () => response.destroy());
  return new Promise((resolve) => {
    readBody(response, { bytes }, ({ end, bytes: read }) => {
      late[Symbol.dispose]();
      resolve({ end, text: read.toString("utf8") });
    });
  });
}

function nonsense(place: Place): LiveFailure {
  return new LiveFailure(
    "Nonsense",
    `what ${place.name} answers is not from the admin port of wsproxy, or is too long`,
  );
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

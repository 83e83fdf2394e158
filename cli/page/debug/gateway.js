import { Answered } from "./problems.js";
import { EventReader } from "./sse.js";
import { cut } from "./shown.js";

/** Bytes of one answer. The gateway ends its pages at about a megabyte; metrics of many routes are longer. */
const LARGEST = 33_554_432;
/** For the head of an answer, in ms. */
const ANSWERS_WITHIN = 15_000;
/** A stream says something each 15 s; one that is silent for so long is dead, in ms. */
const SILENT = 40_000;
/** Characters of a refusal that are shown. */
const LONGEST_WORDS = 300;

/** The admin port, asked with the token. */
export class Gateway {
  #token;
  #fetch;

  /**
   * @param {string} token
   * @param {typeof fetch} [ask]
   */
  constructor(token, ask = (...request) => fetch(...request)) {
    this.#token = token;
    this.#fetch = ask;
  }

  /**
   * The JSON at a path. Rejects with Answered, or with the browser's error where nothing answers.
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<unknown>}
   */
  async json(path, signal) {
    return JSON.parse(await this.text(path, signal));
  }

  /**
   * @param {string} path
   * @param {AbortSignal} signal
   */
  async text(path, signal) {
    const response = await this.#ask(path, "GET", AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN)]));
    return wholeText(response, LARGEST);
  }

  /**
   * Closes a session. `words`: what its client is told besides.
   * @param {string} session
   * @param {string} words
   * @returns {Promise<unknown>}
   */
  async close(session, words) {
    const reason = words === "" ? "" : `?reason=${encodeURIComponent(words)}`;
    const path = `/sessions/${encodeURIComponent(session)}/close${reason}`;
    const response = await this.#ask(path, "POST", AbortSignal.timeout(ANSWERS_WITHIN));
    return JSON.parse(await wholeText(response, LARGEST));
  }

  /**
   * Reads a stream until it ends, which resolves, or fails. `opened` is called once the gateway has let it in, `took` with
   * each event; an event whose data is no JSON is passed over.
   * @param {string} path
   * @param {{ opened: () => void, took: (name: string, json: unknown) => void }} taker
   * @param {AbortSignal} signal
   */
  async stream(path, { opened, took }, signal) {
    const silent = new AbortController();
    let timer = setTimeout(() => silent.abort(), ANSWERS_WITHIN);
    try {
      const response = await this.#ask(path, "GET", AbortSignal.any([signal, silent.signal]));
      opened();
      const events = new EventReader();
      const decoder = new TextDecoder();
      const pieces = response.body?.getReader();
      for (let piece = await pieces?.read(); piece?.done === false; piece = await pieces?.read()) {
        clearTimeout(timer);
        timer = setTimeout(() => silent.abort(), SILENT);
        for (const { name, data } of events.read(decoder.decode(piece.value, { stream: true }))) {
          const json = parsed(data);
          if (json !== undefined) took(name, json);
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * @param {string} path
   * @param {"GET" | "POST"} method
   * @param {AbortSignal} signal
   */
  async #ask(path, method, signal) {
    const response = await this.#fetch(path, {
      method,
      signal,
      headers: { authorization: `Bearer ${this.#token}` },
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
    if (response.status === 200) return response;
    const words = await wholeText(response, 65_536).catch(() => "");
    throw new Answered(response.status, cut(words.trim(), LONGEST_WORDS));
  }
}

/**
 * @param {Response} response
 * @param {number} largest bytes
 */
async function wholeText(response, largest) {
  const decoder = new TextDecoder();
  const pieces = response.body?.getReader();
  let [text, size] = ["", 0];
  for (let piece = await pieces?.read(); piece?.done === false; piece = await pieces?.read()) {
    size += piece.value.length;
    if (size > largest) {
      await pieces?.cancel();
      throw new Error("the answer is too long");
    }
    text += decoder.decode(piece.value, { stream: true });
  }
  return text + decoder.decode();
}

/**
 * @param {string} data
 * @returns {unknown} undefined: it is no JSON
 */
function parsed(data) {
  try {
    return JSON.parse(data);
  } catch {
    return undefined;
  }
}

import { couldBeKey } from "../could-be-key.ts";
import { valueBehind, type Part } from "./named-value.ts";

interface Looked {
  /** The text is complete: its last word has no rest. */
  readonly whole: boolean;
  /** Names and values may be separated by bytes that are no text. */
  readonly binary: boolean;
}

/** Names of fields whose values are nothing to show. */
const NAME =
  /token|key|secret|pass(?:w|c|phrase|$)|pwd|otp$|authori[sz]|auth$|auth[-_]|credential|cookie|signature|session[-_]?id|bearer/i;
const BEARER = /^bearer$/i;

/**
 * What looks like a credential in a text, in order and apart: the values of fields that are named like one, in JSON, XML,
 * query, form and header form; what stands behind `Bearer`; the password in a URL; JSON Web Tokens; and words that could be
 * keys. Reads each character a bounded number of times.
 */
export function credentialsIn(text: string, { whole, binary }: Looked): Part[] {
  const found: Part[] = [];
  for (let at = 0; at < text.length;) {
    if (!isWord(text.charCodeAt(at))) {
      at += 1;
      continue;
    }
    const from = at;
    at = wordEnd(text, at);
    const word = text.slice(from, at);
    const named = NAME.test(word) ? (valueBehind(text, from, at, binary) ?? behindBearer(text, word, at)) : undefined;
    const value = named ?? passwordInUrl(text, word, at);
    if (value !== undefined) {
      if (couldBeCredential(word)) found.push({ from, to: at });
      if (value.to > value.from) found.push(value);
      at = Math.max(at, value.to);
    } else if (couldBeCredential(word) || (at === text.length && !whole)) found.push({ from, to: at });
  }
  return found;
}

function couldBeCredential(word: string): boolean {
  return couldBeKey(word) || (word.startsWith("eyJ") && word.includes("."));
}

function behindBearer(text: string, word: string, at: number): Part | undefined {
  if (!BEARER.test(word)) return undefined;
  let from = at;
  while (text[from] === " " || text[from] === "\t") from += 1;
  if (from === at) return undefined;
  let to = from;
  while (to < text.length && !/[\s"'\\,;<>&]/.test(text.charAt(to))) to += 1;
  return { from, to };
}

/** Of `scheme://user:password@host`. */
function passwordInUrl(text: string, word: string, at: number): Part | undefined {
  if (!word.startsWith("//") || text[at] !== ":") return undefined;
  let to = at + 1;
  while (to < text.length && !/[\s"'/@\\]/.test(text.charAt(to))) to += 1;
  return text[to] === "@" || to === text.length ? { from: at + 1, to } : undefined;
}

function wordEnd(text: string, from: number): number {
  let to = from;
  while (to < text.length && isWord(text.charCodeAt(to))) to += 1;
  return to;
}

/** Letters and digits, and what stands between those of base64, of JSON Web Tokens and of percent-encoded text. */
function isWord(code: number): boolean {
  const digit = code >= 48 && code <= 57;
  const letter = (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
  // % + - . / _ ~
  return digit || letter || code === 37 || code === 43 || (code >= 45 && code <= 47) || code === 95 || code === 126;
}

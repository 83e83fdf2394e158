import type { IncomingMessage } from "node:http";
import { readBody } from "../../runtime/bounded-body.ts";

/** Bytes of a refusal's body that are read. */
const MAX_BODY = 65_536;

/**
 * Text from the network as it is printed: with `plain`, control characters (which a terminal would obey) are replaced.
 */
export function printable(text: string, plain: boolean): string {
  // eslint-disable-next-line no-control-regex
  return plain ? text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD") : text;
}

/**
 * Characters that move the cursor, change the direction of the text beside them, or cannot be seen: controls with line breaks,
 * soft hyphen, marks of direction and of width, separators of lines, tags, and halves of surrogate pairs.
 */
const UNSAFE =
  // eslint-disable-next-line no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\u{e0000}-\u{e007f}]/gu;

/** Text from the network as it may stand in a line for people: each unsafe character is replaced. */
export function oneLine(text: string): string {
  return text.replaceAll(UNSAFE, "\uFFFD");
}

/** JSON for a pipe or a terminal: unsafe characters of its texts are written as `\uXXXX`, which means the same. */
export function printableJson(value: unknown, indent?: number): string {
  const escaped = (unsafe: string): string =>
    unsafe === "\n" && indent !== undefined ? unsafe : unsafe.replaceAll(/[^]/g, (unit) => `\\u${hex(unit)}`);
  return JSON.stringify(value, undefined, indent).replaceAll(UNSAFE, escaped);
}

function hex(unit: string): string {
  return unit.charCodeAt(0).toString(16).padStart(4, "0");
}

/**
 * Why a handshake was refused, from the body of its answer: at most 500 characters, empty for any type but JSON and
 * plain text.
 */
export async function refusalText(response: IncomingMessage): Promise<string> {
  const body = await bodyOf(response);
  if (!/^application\/(problem\+)?json\b/.test(response.headers["content-type"] ?? "")) {
    return /^text\/plain\b/.test(response.headers["content-type"] ?? "")
      ? printable(body.slice(0, 200).trim(), true)
      : "";
  }
  try {
    const { reason, title, detail, requestId } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const retry = response.headers["retry-after"];
    const parts = [
      [reason, detail ?? title].filter((part) => typeof part === "string").join(", "),
      retry === undefined ? "" : `retry after ${retry} s`,
      typeof requestId === "string" ? `request ${requestId}` : "",
    ];
    return printable(parts.filter((part) => part !== "").join("; "), true).slice(0, 500);
  } catch {
    return "";
  }
}

function bodyOf(response: IncomingMessage): Promise<string> {
  const deadline = setTimeout(() => response.destroy(), 2000);
  return new Promise((resolve) => {
    readBody(response, { bytes: MAX_BODY }, ({ bytes }) => {
      clearTimeout(deadline);
      resolve(bytes.toString("utf8"));
    });
  });
}

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

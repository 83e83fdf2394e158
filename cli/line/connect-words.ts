import type { IncomingMessage } from "node:http";
import { readBody } from "../../runtime/bounded-body.ts";

const MAX_BODY = 65_536;

/** Text from the network as a terminal may have it: without the characters that would steer it. */
export function printable(text: string, plain: boolean): string {
  // eslint-disable-next-line no-control-regex
  return plain ? text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\uFFFD") : text;
}

/** Why a handshake was refused, as far as the answer's body says so; bounded, and never a page of HTML. */
export async function refusalText(response: IncomingMessage): Promise<string> {
  const body = await bodyOf(response);
  if (!/^application\/(problem\+)?json\b/.test(response.headers["content-type"] ?? "")) {
    return /^text\/plain\b/.test(response.headers["content-type"] ?? "")
      ? printable(body.slice(0, 200).trim(), true)
      : "";
  }
  try {
    const { reason, title, requestId } = JSON.parse(body) as Readonly<Record<string, unknown>>;
    const retry = response.headers["retry-after"];
    const parts = [
      [reason, title].filter((part) => typeof part === "string").join(", "),
      retry === undefined ? "" : `retry after ${retry} s`,
      typeof requestId === "string" ? `request ${requestId}` : "",
    ];
    return printable(parts.filter((part) => part !== "").join("; "), true).slice(0, 500);
  } catch {
    return "";
  }
}

function bodyOf(response: IncomingMessage): Promise<string> {
  const patience = setTimeout(() => response.destroy(), 2000);
  return new Promise((resolve) => {
    readBody(response, { bytes: MAX_BODY }, ({ bytes }) => {
      clearTimeout(patience);
      resolve(bytes.toString("utf8"));
    });
  });
}

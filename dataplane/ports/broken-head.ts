import { MAX_HEAD } from "../arrival.ts";

/** What can be read of a head that the HTTP parser refused. */
export interface BrokenHead {
  readonly target?: string;
  /** Its Host, if it has one only. */
  readonly authority?: string;
}

/** Lines of a head that are looked at for its Host. */
const MOST_LINES = 128;

/** Reads these bytes of a head, if a request line stands at their beginning; in time that grows with the length only. */
export function readBrokenHead(packet: Buffer | undefined): BrokenHead {
  const [first = "", ...lines] = linesOf(packet?.toString("latin1", 0, MAX_HEAD) ?? "");
  const [, target] = /^[A-Za-z]{3,16} (\S+) /.exec(first) ?? [];
  // Without it the bytes may be the middle of a head, such as the value of a header.
  if (target === undefined || !first.includes(" HTTP/")) return {};
  const hosts = lines.filter((line) => line.slice(0, 5).toLowerCase() === "host:").map((line) => line.slice(5).trim());
  return hosts[0] === undefined || hosts.length > 1 ? { target } : { target, authority: hosts[0] };
}

/** The lines that are whole. Some clients end lines with LF alone, or send an empty line first (RFC 9112 §2.2). */
function linesOf(head: string): string[] {
  return head
    .replace(/^[\r\n]+/, "")
    .split(/\r?\n/, MOST_LINES + 1)
    .slice(0, -1);
}

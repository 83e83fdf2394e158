import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gunzipSync, gzipSync } from "node:zlib";

/** Name of a text: its SHA-256 in hex. */
export function hashOf(text: string): string {
  return hash("sha256", text, "hex");
}

/** The text as gzip: the same bytes for the same text. */
export function pack(text: string): Uint8Array {
  const packed = gzipSync(text);
  packed[OS_BYTE] = UNKNOWN_OS;
  return packed;
}

/** The text that was packed, if it has this hash and no more than `most` bytes; undefined: it is not that text. */
export function unpack(packed: Uint8Array, expected: string, most: number): string | undefined {
  try {
    const text = gunzipSync(packed, { maxOutputLength: most }).toString("utf8");
    return hashOf(text) === expected ? text : undefined;
  } catch {
    return undefined; // cut off, of two versions, no gzip at all, or larger than it may be
  }
}

/** As `unpack`, with the work done beside the event loop: for processes that serve meanwhile. */
export async function unpackAside(packed: Uint8Array, expected: string, most: number): Promise<string | undefined> {
  try {
    const text = (await promisify(gunzip)(packed, { maxOutputLength: most })).toString("utf8");
    return hashOf(text) === expected ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The header has no time in it, but names the system that it was made on (RFC 1952 §2.3.1). */
const OS_BYTE = 9;
const UNKNOWN_OS = 255;

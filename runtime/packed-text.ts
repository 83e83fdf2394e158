import { hash } from "node:crypto";
import { promisify } from "node:util";
import { gunzip, gunzipSync, gzipSync } from "node:zlib";

/** The SHA-256 of a text, in hex. */
export function hashOf(text: string): string {
  return hash("sha256", text, "hex");
}

/** The text as gzip. The same text always gives the same bytes. */
export function pack(text: string): Uint8Array {
  const packed = gzipSync(text);
  packed[OS_BYTE] = UNKNOWN_OS;
  return packed;
}

/** The packed text, if it has this hash and at most `most` bytes; else undefined. */
export function unpack(packed: Uint8Array, expected: string, most: number): string | undefined {
  try {
    const text = gunzipSync(packed, { maxOutputLength: most }).toString("utf8");
    return hashOf(text) === expected ? text : undefined;
  } catch {
    return undefined; // no gzip, cut off, made of parts of two versions, or too large
  }
}

/** Like `unpack`, but a thread of Node's pool decompresses: for processes that serve meanwhile. */
export async function unpackAside(packed: Uint8Array, expected: string, most: number): Promise<string | undefined> {
  try {
    const text = (await promisify(gunzip)(packed, { maxOutputLength: most })).toString("utf8");
    return hashOf(text) === expected ? text : undefined;
  } catch {
    return undefined;
  }
}

/** Node writes no time into the gzip header, but names the operating system (RFC 1952 §2.3.1). */
const OS_BYTE = 9;
const UNKNOWN_OS = 255;

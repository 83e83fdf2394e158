import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { hashOf, pack } from "../../runtime/packed-text.ts";
import type { Packer } from "../render/packer.ts";

/** Characters that are packed in one step: a longer text becomes several members of one gzip file (RFC 1952 §2.2). */
const MEMBER = 256 * 1024;

/** The Packer of Node.js: SHA-256, gzip and base64. */
export const packer: Packer = {
  hash: hashOf,
  *pack(pieces, largestPart, most) {
    const hash = createHash("sha256");
    const members: Uint8Array[] = [];
    let size = 0;
    for (const text of joined(pieces, MEMBER)) {
      size += Buffer.byteLength(text);
      if (size > most) return undefined;
      hash.update(text);
      members.push(pack(text));
      yield;
    }
    const packed = Buffer.concat(members);
    const count = Math.ceil(packed.length / largestPart);
    const parts = Array.from({ length: count }, (_, part) =>
      packed.toString("base64", part * largestPart, (part + 1) * largestPart),
    );
    return { hash: hash.digest("hex"), parts };
  },
  base64: (text) => Buffer.from(text, "utf8").toString("base64"),
};

/** The same text in fewer pieces, each but the last with at least `least` characters. */
function* joined(pieces: Iterable<string>, least: number): Generator<string> {
  let some: string[] = [];
  let length = 0;
  for (const piece of pieces) {
    some.push(piece);
    length += piece.length;
    if (length < least) continue;
    yield some.join("");
    some = [];
    length = 0;
  }
  if (some.length > 0) yield some.join("");
}

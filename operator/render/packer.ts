import type { Steps } from "../translate/steps.ts";

/** A text as it stands in objects of the API. */
export interface Packed {
  /** SHA-256 of the text, in hex. */
  readonly hash: string;
  /** Gzip of the text in base64, part by part. */
  readonly parts: readonly string[];
}

/** Pure functions that need Node: the caller of `render` gives them, so that rendering imports nothing of Node. */
export interface Packer {
  /** SHA-256 of the UTF-8 text, in hex. */
  readonly hash: (text: string) => string;
  /**
   * Packs a text into parts of at most so many bytes; the same text gives the same bytes. The text comes in pieces, so that
   * the whole of it is never in memory. undefined: it has more than `most` bytes of UTF-8.
   */
  readonly pack: (pieces: Iterable<string>, largestPart: number, most: number) => Steps<Packed | undefined>;
  /** Base64 of the UTF-8 text. */
  readonly base64: (text: string) => string;
  /** What this packer has packed, by object: it packs no object twice. Absent: it packs each time. */
  readonly packed?: WeakMap<object, Packed>;
}

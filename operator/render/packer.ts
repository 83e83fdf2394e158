import type { Steps } from "../translate/steps.ts";

/** A text as it stands in objects of the API. */
export interface Packed {
  /** SHA-256 of the text, in hex. */
  readonly hash: string;
  /** Gzip of the text in base64, part by part. */
  readonly parts: readonly string[];
}

/** Pure functions that need a platform: given by whoever renders, so that rendering stays free of one. */
export interface Packer {
  /** SHA-256 of the UTF-8 text, in hex. */
  readonly hash: (text: string) => string;
  /**
   * A text that comes in pieces, so that the whole of it is never in memory, in parts of at most so many bytes, the same
   * bytes each time; undefined: it has more than `most` bytes of UTF-8.
   */
  readonly pack: (pieces: Iterable<string>, largestPart: number, most: number) => Steps<Packed | undefined>;
  /** Base64 of the UTF-8 text. */
  readonly base64: (text: string) => string;
}

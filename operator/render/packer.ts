/** Pure functions that need a platform: given by whoever renders, so that rendering stays free of one. */
export interface Packer {
  /** SHA-256 of the UTF-8 text, in hex. */
  readonly hash: (text: string) => string;
  /** Gzip of the UTF-8 text, the same bytes each time, in parts of at most so many bytes, each in base64. */
  readonly pack: (text: string, largestPart: number) => readonly string[];
  /** Base64 of the UTF-8 text. */
  readonly base64: (text: string) => string;
}

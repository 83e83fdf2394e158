import { hash } from "node:crypto";

/** Bits of a digest that a key has: as unlikely to be met twice as a UUID. */
const DIGEST_BYTES = 16;

/** Under which key the store has a subject. A digest: the subject's length, braces and privacy are then of no concern. */
export function digestOf(text: string): string {
  return Buffer.from(hash("sha256", text, "hex").slice(0, 2 * DIGEST_BYTES), "hex").toString("base64url");
}

/** The key of a bucket with this name (`bucketName`); `prefix`: of all keys of the proxy. */
export function bucketKey(prefix: string, name: string): string {
  return `${prefix}${name.startsWith("attempts ") ? "a" : "m"}:${digestOf(name)}`;
}

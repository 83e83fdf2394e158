import { Buffer } from "node:buffer";
import type { KeyEntry, KeyFault } from "../translate/resources.ts";

/** API keys as digests one after the other: an object for each would take ten times the memory. */
export interface PackedKeys {
  /** JSON of the clients' names. */
  readonly clients: string;
  /** DIGEST bytes for each. */
  readonly digests: Buffer;
  /** An index of FAULTS for each. */
  readonly faults: Buffer;
}

const FAULTS: readonly (KeyFault | undefined)[] = [undefined, "TooShort", "TooLong", "ControlCharacter"];
const DIGEST = 32;

/** Packs the API keys of one Secret. */
export function packedKeys(entries: readonly KeyEntry[]): PackedKeys {
  return {
    clients: JSON.stringify(entries.map(({ client }) => client)),
    digests: Buffer.concat(entries.map(({ digest }) => Buffer.from(digest, "base64url"))),
    faults: Buffer.from(entries.map(({ fault }) => FAULTS.indexOf(fault))),
  };
}

/** The API keys that were packed, in their order. */
export function unpackedKeys({ clients, digests, faults }: PackedKeys): KeyEntry[] {
  return (JSON.parse(clients) as string[]).map((client, at) => {
    const fault = FAULTS[faults[at] ?? 0];
    const digest = digests.toString("base64url", at * DIGEST, (at + 1) * DIGEST);
    return { client, digest, ...(fault === undefined ? {} : { fault }) };
  });
}

/** Bytes that packed keys take, about. */
export function weightOf({ clients, digests, faults }: PackedKeys): number {
  return clients.length + digests.length + faults.length;
}

import type { KeyEntry, KeyFault, Secret, Tools } from "../resources.ts";

/** Bounds of a key, in characters. */
export const SHORTEST_KEY = 16;
export const LONGEST_KEY = 512;

/** What is wrong with a key, and what to do about it. */
export const FAULTS = {
  TooShort: `the key has fewer than ${SHORTEST_KEY} characters; make a longer one`,
  TooLong: `the key has more than ${LONGEST_KEY} characters; make a shorter one`,
  ControlCharacter: "the key holds a line break or another control character; make one without",
} as const satisfies Record<KeyFault, string>;

/** An entry of a Secret → its key as a digest. White space around the key is not part of it. */
export function keyEntry(client: string, text: string, { sha256 }: Pick<Tools, "sha256">): KeyEntry {
  const key = text.trim();
  const fault = faultOf(key);
  return { client, digest: sha256(key), ...(fault === undefined ? {} : { fault }) };
}

/** The entries of a Secret as API keys: those that were made when it was read or, if there are none, made from its data. */
export function keyEntries({ keys, data }: Secret, tools: Pick<Tools, "sha256">): readonly KeyEntry[] {
  return keys ?? Object.entries(data).map(([client, text]) => keyEntry(client, text, tools));
}

function faultOf(key: string): KeyFault | undefined {
  if (key.length < SHORTEST_KEY) return "TooShort";
  if (key.length > LONGEST_KEY) return "TooLong";
  return /\p{Cc}/u.test(key) ? "ControlCharacter" : undefined;
}

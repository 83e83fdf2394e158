import type { Config, Endpoints } from "../../api/config.ts";
import { LARGEST_TEXT, PACKED } from "../../api/meta.ts";
import type { Packer } from "./packer.ts";
import { canonicalJson } from "./sorted-keys.ts";

/** A text as it stands in objects of the API. */
export interface Packed {
  /** SHA-256 of the text, in hex. */
  readonly hash: string;
  /** Gzip of the text in base64, part by part. */
  readonly parts: readonly string[];
}

/** What a config and its endpoints become; `excess` says what is too large. */
export type PackedConfig =
  | { readonly excess: undefined; readonly config: Packed; readonly endpoints: Packed }
  | { readonly excess: string };

/** Packs a config and its endpoints, if they fit. */
export function packedConfig(config: Config, endpoints: Endpoints, packer: Packer): PackedConfig {
  const packed = packedText(config, packer);
  if (packed === undefined || packed.parts.length > PACKED.mostParts) return { excess: EXCESS };
  const beside = packedText(endpoints, packer);
  if (beside === undefined || beside.parts.length > 1) return { excess: EXCESS_ENDPOINTS };
  return { excess: undefined, config: packed, endpoints: beside };
}

/** What is wrong with the size of a config; undefined if it fits. */
export function excessOf(config: Config, packer: Packer): string | undefined {
  const packed = packedText(config, packer);
  return packed === undefined || packed.parts.length > PACKED.mostParts ? EXCESS : undefined;
}

const MOST = `${(PACKED.mostParts * PACKED.largestPart) / 1e6} MB`;
const EXCESS = `makes a config of more than ${MOST} even when it is compressed, certificates and key sets included; divide the routes among several WebSocketProxies`;
const EXCESS_ENDPOINTS = `names Services with more endpoints than one object of the API can hold (${PACKED.largestPart / 1e6} MB, compressed); divide the routes among several WebSocketProxies`;

/** undefined: no data plane would read a text of this length. */
function packedText(value: unknown, { hash, pack }: Packer): Packed | undefined {
  const text = canonicalJson(value);
  // In UTF-8 a character takes at most three bytes.
  if (text.length * 3 > LARGEST_TEXT) return undefined;
  return { hash: hash(text), parts: pack(text, PACKED.largestPart) };
}

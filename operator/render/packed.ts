import type { Config, Endpoints } from "../../api/config.ts";
import { LARGEST_WRITTEN, PACKED } from "../../api/meta.ts";
import { textSize } from "../../api/text-size.ts";
import type { Steps } from "../translate/steps.ts";
import type { Packed, Packer } from "./packer.ts";
import { canonicalPieces } from "./sorted-keys.ts";

/** A config and its endpoints, packed; `excess` says what is too large. */
export type PackedConfig =
  | { readonly excess: undefined; readonly config: Packed; readonly endpoints: Packed }
  | { readonly excess: string };

/** A packer for one pass: it packs each config once, both to check its size and to write it. */
export function packingOnce(packer: Packer): Packer {
  return { ...packer, packed: new WeakMap() };
}

/** Packs a config and its endpoints, if they fit into the objects of the API. */
export function* packedConfig(config: Config, endpoints: Endpoints, packer: Packer): Steps<PackedConfig> {
  const packed = yield* packedText(config, packer);
  if (packed === undefined || packed.parts.length > PACKED.mostParts) return { excess: EXCESS };
  const beside = yield* packedText(endpoints, packer);
  if (beside === undefined || beside.parts.length > 1) return { excess: EXCESS_ENDPOINTS };
  return { excess: undefined, config: packed, endpoints: beside };
}

/** What is wrong with the size of a config; undefined if it fits. */
export function* excessOf(config: Config, packer: Packer): Steps<string | undefined> {
  // Gzip never makes a text much longer: most configs fit as they are.
  if (textSize(config, SURELY_FITS) < SURELY_FITS) return undefined;
  const packed = yield* packedText(config, packer);
  return packed === undefined || packed.parts.length > PACKED.mostParts ? EXCESS : undefined;
}

const MOST = `${(PACKED.mostParts * PACKED.largestPart) / 1e6} MB`;
const EXCESS = `makes a config of more than ${MOST} even when it is compressed, certificates and key sets included; divide the routes among several WebSocketProxies`;
const EXCESS_ENDPOINTS = `names Services with more endpoints than one object of the API can hold (${PACKED.largestPart / 1e6} MB, compressed); divide the routes among several WebSocketProxies`;

/** Characters, each of which may be three bytes. */
const SURELY_FITS = (PACKED.mostParts * PACKED.largestPart) / 4;

/** undefined: it is longer than an operator writes. */
function* packedText(value: object, { pack, packed: remembered }: Packer): Steps<Packed | undefined> {
  const before = remembered?.get(value);
  if (before !== undefined) return before;
  const packed = yield* pack(canonicalPieces(value), PACKED.largestPart, LARGEST_WRITTEN);
  // A text that does not fit is not written either: its parts would only take memory.
  if (packed !== undefined && packed.parts.length <= PACKED.mostParts) remembered?.set(value, packed);
  return packed;
}

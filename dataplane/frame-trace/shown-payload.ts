import { isUtf8 } from "node:buffer";
import type { DebugEvent } from "../../api/debug.ts";
import { credentialsIn } from "./credentials-in.ts";

/** Bytes behind what is shown that are looked at: so many say of a word at the cut whether it may be a key. */
export const LOOK_AHEAD = 64;

const MASK = "***";

interface Kind {
  /** Of a text message. */
  readonly text: boolean;
  /** Nothing of the message follows these bytes. */
  readonly whole: boolean;
}

/**
 * The first `most` bytes of a payload as an event shows them, with `***` in place of what looks like a credential. `bytes`
 * has `LOOK_AHEAD` bytes more, where there are so many. Text that is not UTF-8 is shown as binary.
 */
export function shownPayload(
  bytes: Buffer,
  most: number,
  { text, whole }: Kind,
): Pick<DebugEvent<"frame">, "payload" | "binary"> {
  const looked = text && !whole ? upToCharacter(bytes) : bytes;
  const asText = text && isUtf8(looked);
  const encoding = asText ? "utf8" : "latin1";
  const all = (asText ? looked : bytes).toString(encoding);
  const shown = bytes.subarray(0, most);
  const length = (asText ? upToCharacter(shown) : shown).toString(encoding).length;
  let masked = "";
  let at = 0;
  for (const { from, to } of credentialsIn(all, { whole, binary: !asText })) {
    if (from >= length) break;
    masked += all.slice(at, from) + MASK;
    at = to;
  }
  masked += all.slice(at, Math.max(at, length));
  return asText ? { payload: masked } : { payload: Buffer.from(masked, "latin1").toString("base64"), binary: true };
}

/** Without the beginning of a character that is cut. */
function upToCharacter(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back += 1) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80 || byte > 0xf4) return bytes;
    if (byte < 0xc0) continue;
    const size = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return size > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

/**
 * What `decodeURIComponent` makes of a text, undefined where it throws. A client can put thousands of malformed texts
 * into one query: an exception for each would cost some ten milliseconds.
 */
export function percentDecoded(text: string): string | undefined {
  let at = text.indexOf("%");
  if (at === -1) return text;
  let decoded = text.slice(0, at);
  while (at < text.length) {
    if (text.charCodeAt(at) !== PERCENT) {
      decoded += text[at];
      at += 1;
      continue;
    }
    const first = byteAt(text, at);
    const length = lengthFrom(first);
    let point = length === 1 ? first : first & (0x7f >> length);
    for (let more = 1; more < length; more += 1) {
      const byte = byteAt(text, at + 3 * more);
      if ((byte & 0xc0) !== 0x80) return undefined;
      point = (point << 6) | (byte & 0x3f);
    }
    if (length === 0 || point < LEAST[length] || point > 0x10_ffff || (point >= 0xd8_00 && point <= 0xdf_ff))
      return undefined;
    decoded += String.fromCodePoint(point);
    at += 3 * length;
  }
  return decoded;
}

const PERCENT = 0x25;
/** The least code point that needs so many bytes; a longer spelling than needed is none (RFC 3629 §3). */
const LEAST = [0, 0, 0x80, 0x800, 0x1_0000] as const;

/** Bytes of the character that begins with this one; 0: none does. */
function lengthFrom(byte: number): 0 | 1 | 2 | 3 | 4 {
  if (byte < 0) return 0;
  if (byte < 0x80) return 1;
  if (byte < 0xc0) return 0;
  if (byte < 0xe0) return 2;
  return byte < 0xf0 ? 3 : byte < 0xf8 ? 4 : 0;
}

/** The byte that `%xx` at this place stands for; -1: there is no such thing. */
function byteAt(text: string, at: number): number {
  if (text.charCodeAt(at) !== PERCENT) return -1;
  const high = digitOf(text.charCodeAt(at + 1));
  const low = digitOf(text.charCodeAt(at + 2));
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/** Value of a hexadecimal digit; -1: another character, or none. */
function digitOf(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

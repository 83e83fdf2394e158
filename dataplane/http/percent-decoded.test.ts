import fc from "fast-check";
import { expect, test } from "vitest";
import { percentDecoded } from "./percent-decoded.ts";

function builtIn(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

test("every pair and triple of encoded bytes is read as the built-in reads it", () => {
  const hex = (byte: number): string => `%${byte.toString(16).padStart(2, "0")}`;
  const wrong: string[] = [];
  const check = (text: string): void => {
    if (percentDecoded(text) !== builtIn(text)) wrong.push(text);
  };
  const tails = [0x00, 0x25, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff].map(hex);
  for (let first = 0; first < 256; first += 1) {
    check(hex(first));
    for (const second of tails)
      for (const third of ["", ...tails])
        for (const fourth of ["", "%80", "%bf", "a"]) check(hex(first) + second + third + fourth);
  }
  expect(wrong).toEqual([]);
});

test("any text is read as the built-in reads it", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom("%", "%4", "%41", "%C3%A9", "%f0%9f%98%80", "%zz", "%ed%a0%80", "+"),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      expect(percentDecoded(pieces.join(""))).toBe(builtIn(pieces.join("")));
    }),
  );
});

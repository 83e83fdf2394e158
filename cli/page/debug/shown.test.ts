import { expect, test } from "vitest";
import { cut, visible } from "./shown.js";

test.each([
  ["plain text, grüße, 日本語, 😀", "plain text, grüße, 日本語, 😀"],
  ["\u001b[31mred", "␛[31mred"],
  ["a\r\nb\tc\0", "a␍␊b␉c␀"],
  ["\u007f\u0085", "␡‹U+0085›"],
  ["user\u202Egnp.exe", "user‹U+202E›gnp.exe"],
  ["a\u2066b\u2069c\u200bd\ufeffe", "a‹U+2066›b‹U+2069›c‹U+200B›d‹U+FEFF›e"],
  ["\u2028\u{e0041}", "‹U+2028›‹U+E0041›"],
  ["half \ud83d of a pair", "half ‹U+D83D› of a pair"],
  ["<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"],
])("shows %j as %j", (text, shown) => {
  expect(visible(text)).toBe(shown);
});

test("cuts a text at its bound, and never within a character of two halves", () => {
  expect(cut("abc", 3)).toBe("abc");
  expect(cut("abcd", 3)).toBe("abc…");
  expect(cut("ab😀d", 3)).toBe("ab…");
  expect(cut("x".repeat(1_048_576), 256)).toHaveLength(257);
});

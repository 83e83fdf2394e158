import { expect, test } from "vitest";
import { oneLine, printableJson } from "./terminal-text.ts";

const UNSAFE = [
  "\u0000",
  "\t",
  "\n",
  "\r",
  "\u001b",
  "\u007f",
  "\u0085",
  "\u009b",
  "\u00ad",
  "\u061c",
  "\u180e",
].concat([
  "\u200b",
  "\u200d",
  "\u200e",
  "\u200f",
  "\u2028",
  "\u202e",
  "\u2066",
  "\ufeff",
  "\ud800",
  "\udfff",
  "\u{e0041}",
]);

test.each(UNSAFE)("%j does not reach a terminal", (unsafe) => {
  expect(oneLine(`a${unsafe}b`)).toBe("a\ufffdb");
  const json = printableJson({ text: `a${unsafe}b` }, 2);
  expect(json).toMatch(/^\{\n {2}"text": "a\\[^"]+b"\n\}$/);
  expect(JSON.parse(json)).toEqual({ text: `a${unsafe}b` });
});

test("all other text stays as it is", () => {
  const text = "größe <img onerror=1> 日本語 שלום مرحبا é 😀 \\u001b";
  expect(oneLine(text)).toBe(text);
  expect(printableJson(text)).toBe(JSON.stringify(text));
});

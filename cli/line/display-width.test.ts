import { expect, test } from "vitest";
import { columns } from "./columns.ts";
import { cutToWidth, displayWidth } from "./display-width.ts";

test.each([
  ["", 0],
  ["alice", 5],
  ["größe", 5],
  ["e\u0301", 1],
  ["日本", 4],
  ["한국어", 6],
  ["ａ", 2],
  ["😀", 2],
  ["\ufffd", 1],
])("%j takes %i columns", (text, width) => {
  expect(displayWidth(text)).toBe(width);
});

test("a text is cut between two characters, never within one", () => {
  expect(cutToWidth("alice", 3)).toBe("ali");
  expect(cutToWidth("日本語", 3)).toBe("日");
  expect(cutToWidth("a😀b", 2)).toBe("a");
  expect(cutToWidth("e\u0301e\u0301", 1)).toBe("e\u0301");
  expect(cutToWidth("日本", 10)).toBe("日本");
});

test("columns are aligned by what the terminal shows", () => {
  const rows = [
    ["日本", "x"],
    ["abcde", "y"],
    ["", "z"],
  ];
  expect(columns(rows)).toBe("日本   x\nabcde  y\n       z\n");
});

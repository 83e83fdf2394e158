import { expect, test } from "vitest";
import { impossibleMoves } from "./port-moves.ts";

/** `ab` is a's move to the port that b has. */
const impossible = (moves: string, leaving: string): string => {
  const pairs = moves.split(" ").map(([mover = "", holder = ""]): [string, string] => [mover, holder]);
  return [...impossibleMoves(new Map(pairs), new Set(leaving))].toSorted().join("");
};

test.each([
  ["a swap", "ab ba", "ab", ""],
  ["a circle of three", "ab bc ca", "abc", ""],
  ["two circles at once", "ab ba cd dc", "abcd", ""],
  ["a chain whose last leaves", "ab bc cd", "abcd", ""],
  ["a chain whose last stays", "ab bc cd", "abc", "abc"],
  ["the same, told from the other end", "cd bc ab", "abc", "abc"],
  ["a chain that is cut in the middle", "ab bc cd de", "abde", "ab"],
  ["a circle, and one that stays for another reason", "ab ba cd", "abc", "c"],
  ["two that want the same port: the first has it", "ac bc", "abc", "b"],
  ["what hangs on the second of the two", "ac bc db", "abcd", "bd"],
  ["its own", "aa", "a", ""],
])("%s", (_, moves, leaving, wanted) => {
  expect(impossible(moves, leaving)).toBe(wanted);
});

test("a thousand in a chain whose last stays", () => {
  const moves = new Map(Array.from({ length: 1000 }, (_, index) => [`${index}`, `${index + 1}`]));
  const leaving = new Set(moves.keys());
  expect(impossibleMoves(moves, leaving).size).toBe(1000);
  expect(impossibleMoves(moves, new Set([...leaving, "1000"])).size).toBe(0);
});

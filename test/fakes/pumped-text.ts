/** Texts that make a backtracking regular expression slow, built from the expression itself. */

/** Characters that every character class of the code accepts or refuses, and those that `.` does not match. */
const ALPHABET = [..."09afgzAFGZ -_.,;:=/\\?&%+*#\"'!@$()[]{}<>|~^`", ..."\t\n\r\0\u0085\u00e9\u2028\uFFFD"];

/** Ends that rarely match what stands before them. */
const ENDS = ["", "\u2028", "\n", "\t", '"', "!", "\0", "x y"];

/** Literal words of an expression, as in a text that it matches. */
function wordsOf(source: string): string[] {
  const plain = source.replaceAll(/\[(?:\\.|[^\]])*\]/g, "\0").replaceAll(/\\([^\w\s])/g, "$1");
  return [...plain.matchAll(/[\w :/.,;%="'-]+/g)].map(([word]) => word).filter((word) => word.length > 1);
}

/** Makes a text of about `length` characters. */
export type Pump = (length: number) => string;

/** Every combination of a start, a repeated part and an end. */
export function pumpsFor(source: string): Pump[] {
  const words = wordsOf(source);
  const starts = new Set(["", "a", ...words, words.join("")]);
  const atoms = new Set([
    ...ALPHABET,
    ...words,
    ...words.map((word) => `${word} `),
    ".a",
    "a=",
    "%2",
    "/.",
    '"a',
    "::",
  ]);
  return [...starts].flatMap((start) =>
    [...atoms].flatMap((atom) =>
      ENDS.map(
        (end): Pump =>
          (length) =>
            start + atom.repeat(Math.ceil(length / atom.length)) + end,
      ),
    ),
  );
}

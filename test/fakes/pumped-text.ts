/** Texts that make a regular expression that goes back on its own steps slow, made from the expression itself. */

/** Characters of which every class of ours admits or refuses some; with those that `.` does not match. */
const ALPHABET = [..."09afgzAFGZ -_.,;:=/\\?&%+*#\"'!@$()[]{}<>|~^`", ..."\t\n\r\0\u0085\u00e9\u2028\uFFFD"];

/** Ends that what stands before them can hardly expect. */
const ENDS = ["", "\u2028", "\n", "\t", '"', "!", "\0", "x y"];

/** Words of an expression, as they would stand in a text that it matches. */
function wordsOf(source: string): string[] {
  const plain = source.replaceAll(/\[(?:\\.|[^\]])*\]/g, "\0").replaceAll(/\\([^\w\s])/g, "$1");
  return [...plain.matchAll(/[\w :/.,;%="'-]+/g)].map(([word]) => word).filter((word) => word.length > 1);
}

/** Makes a text of about `length` characters. */
export type Pump = (length: number) => string;

/** Beginnings × what is repeated × ends. */
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

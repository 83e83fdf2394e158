/** The word that was probably meant: the one with the smallest distance, up to a third of its letters; else undefined. */
export function nearest(typed: string, words: readonly string[]): string | undefined {
  const scored = words.map((word) => ({ word, slips: distance(typed, word) })).sort((a, b) => a.slips - b.slips);
  const best = scored[0];
  return best !== undefined && best.slips <= Math.ceil(best.word.length / 3) ? best.word : undefined;
}

/** Levenshtein distance: letters to add, remove or replace. Looks at the first 64 letters of `a`. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 0; i < Math.min(a.length, 64); i += 1) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j += 1) {
      const replaced = (row[j] ?? 0) + (a[i] === b[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

const ASCII = /^[\u0020-\u007e]*$/;
/** Marks that stand on the character before them. */
const NONE = /^\p{M}$/u;
/** Scripts and symbols that take two columns of a terminal (Unicode annex 11). */
const TWO =
  /^[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]$/u;

/** Columns of a terminal that a text without controls takes. */
export function displayWidth(text: string): number {
  if (ASCII.test(text)) return text.length;
  let width = 0;
  for (const one of text) width += widthOf(one);
  return width;
}

/** The start of a text that takes at most `columns` columns. */
export function cutToWidth(text: string, columns: number): string {
  if (ASCII.test(text)) return text.slice(0, columns);
  let [end, width] = [0, 0];
  for (const one of text) {
    width += widthOf(one);
    if (width > columns) break;
    end += one.length;
  }
  return text.slice(0, end);
}

function widthOf(one: string): number {
  if (NONE.test(one)) return 0;
  return TWO.test(one) ? 2 : 1;
}

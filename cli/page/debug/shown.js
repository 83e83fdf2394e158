// Text from the network as people may see it. It may be hostile: a client chooses its id, its path and its close reasons.

/** Characters that are shown of a text: in a row, and in the panel of a row. */
export const LONGEST = { cell: 256, fact: 1024, payload: 8192 };

/** Controls, marks that change the direction of text, other characters without a shape, and halves of pairs. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;
const ANY_UNSEEN = new RegExp(UNSEEN.source, "u");

/**
 * The beginning of a text; what is longer ends in `…`.
 * @param {string} text
 * @param {number} longest characters
 */
export function cut(text, longest) {
  if (text.length <= longest) return text;
  const last = text.charCodeAt(longest - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff;
  return `${text.slice(0, splitsPair ? longest - 1 : longest)}…`;
}

/**
 * The text with each character that has no shape of its own replaced by one that shows it: `␛` for ESC, `‹U+202E›` for a
 * mark that turns the direction of text around.
 * @param {string} text
 */
export function visible(text) {
  return ANY_UNSEEN.test(text) ? text.replace(UNSEEN, picture) : text;
}

/** @param {string} character */
function picture(character) {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `‹U+${code.toString(16).toUpperCase().padStart(4, "0")}›`;
}

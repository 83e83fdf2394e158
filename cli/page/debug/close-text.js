// The text of the Close frame that ends a session by hand.

/** Bytes of UTF-8 that the text of a person may have. */
export const LONGEST_REASON = 106;

/**
 * What the client gets: the reason, and the person's text cut at a character, as the gateway cuts it.
 * @param {string} words
 */
export function closeText(words) {
  const text = words.trim();
  if (text === "") return "EndedByOperator";
  const encoder = new TextEncoder();
  const { read } = encoder.encodeInto(text, new Uint8Array(LONGEST_REASON));
  return `EndedByOperator; ${text.slice(0, read)}`;
}

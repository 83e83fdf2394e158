/** May a segment of a path, a subprotocol or a word be a key or a token? Names are shorter between their dots, or have no digit. */
export function couldBeKey(text: string): boolean {
  return text.split(".").some((part) => part.length >= 20 && /\d/.test(part));
}

/** An answer that several pages share: it is made anew when the last one was made `age` ms ago or more, once at a time. */
export function recent<T>(age: number, make: () => Promise<T>, now: () => number): () => Promise<T> {
  let last: { readonly at: number; readonly answer: Promise<T> } | undefined;
  return async () => {
    if (last !== undefined && now() - last.at < age) return last.answer;
    const mine = { at: Number.POSITIVE_INFINITY, answer: make() };
    last = mine;
    try {
      return await mine.answer;
    } finally {
      if (last === mine) last = { at: now(), answer: mine.answer };
    }
  };
}

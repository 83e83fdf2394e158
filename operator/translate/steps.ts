/** Work in steps: the caller may do other work between them. Each step takes a moment only, however many there are. */
export type Steps<T> = Generator<undefined, T>;

/** Does all steps at once. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Maps a list, one item a step. */
export function* eachOf<T, R>(items: readonly T[], act: (item: T, index: number) => R): Steps<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) {
    results.push(act(item, index));
    yield;
  }
  return results;
}

/** Work in steps, between which others may be done: each takes a moment only, however many there are. */
export type Steps<T> = Generator<undefined, T>;

/** Does all of it at once. */
export function finished<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/** Does the same to each of a list, one of them a step. */
export function* eachOf<T, R>(items: readonly T[], act: (item: T, index: number) => R): Steps<R[]> {
  const results: R[] = [];
  for (const [index, item] of items.entries()) {
    results.push(act(item, index));
    yield;
  }
  return results;
}

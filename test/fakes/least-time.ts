/** Milliseconds that something takes, the least of several runs: what else the machine does only ever adds. */
export function leastTime(act: () => void, runs = 5): number {
  let least = Number.POSITIVE_INFINITY;
  for (let run = 0; run < runs; run += 1) {
    const started = performance.now();
    act();
    least = Math.min(least, performance.now() - started);
  }
  return least;
}

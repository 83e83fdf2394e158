/** Names of pods that one sentence shows at most, and their characters: at least one is shown. */
const MOST_NAMES = 5;
const NAMES = 120;

/** Names as they stand in one sentence; `names` is not empty. */
export function listed(names: readonly string[]): string {
  const [first = "", ...more] = names;
  let shown = first;
  let left = names.length - 1;
  for (const name of more.slice(0, MOST_NAMES - 1)) {
    if (shown.length + name.length > NAMES) break;
    shown += `, ${name}`;
    left -= 1;
  }
  return left === 0 ? shown : `${shown} and ${left} more`;
}

// Arithmetic of a list of which only the rows near the visible part exist as elements.

/**
 * @typedef {object} View
 * @property {number} top what is scrolled away above, in px
 * @property {number} height of the visible part, in px
 * @property {number} rowHeight in px
 * @property {number} count of rows
 */

/**
 * The rows that must exist: from `first` to before `end`.
 * @param {View} view
 * @param {number} beyond rows above and below the visible ones
 */
export function rowsIn({ top, height, rowHeight, count }, beyond) {
  const first = Math.max(0, Math.min(count, Math.floor(top / rowHeight) - beyond));
  const end = Math.max(first, Math.min(count, Math.ceil((top + height) / rowHeight) + beyond));
  return { first, end };
}

/**
 * Where to scroll so that a row is visible as a whole; `view.top` if it is already.
 * @param {View} view
 * @param {number} row
 */
export function topFor({ top, height, rowHeight }, row) {
  const above = row * rowHeight;
  const below = above + rowHeight;
  if (above < top) return above;
  return below > top + height ? Math.max(0, below - height) : top;
}

/**
 * The row that a key leads to from the current one; undefined: the key leads nowhere. `current` is -1 where there is none.
 * @param {string} key as in KeyboardEvent.key
 * @param {number} current
 * @param {View} view
 */
export function rowAfterKey(key, current, { top, height, rowHeight, count }) {
  if (count === 0) return undefined;
  const page = Math.max(1, Math.floor(height / rowHeight) - 1);
  const firstVisible = Math.min(count - 1, Math.ceil(top / rowHeight));
  /** @type {Readonly<Record<string, number>>} */
  const targets = {
    ArrowDown: current === -1 ? firstVisible : current + 1,
    ArrowUp: current === -1 ? firstVisible : current - 1,
    PageDown: current === -1 ? firstVisible : current + page,
    PageUp: current === -1 ? firstVisible : current - page,
    Home: 0,
    End: count - 1,
  };
  const target = Object.hasOwn(targets, key) ? targets[key] : undefined;
  return target === undefined ? undefined : Math.max(0, Math.min(count - 1, target));
}

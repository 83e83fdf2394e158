// The small curve of messages a second in a row.

/** Points of a curve. */
export const POINTS = 24;

/** The last rates of a session. */
export class Curve {
  #points = new Float32Array(POINTS);
  #length = 0;

  /** @param {number} rate a second */
  add(rate) {
    if (this.#length === POINTS) this.#points.copyWithin(0, 1);
    else this.#length += 1;
    this.#points[this.#length - 1] = Math.max(0, rate);
  }

  /** The newest rate; undefined: there is none. */
  get last() {
    return this.#length === 0 ? undefined : this.#points[this.#length - 1];
  }

  get points() {
    return this.#points.subarray(0, this.#length);
  }
}

/**
 * An SVG path of the points, the newest on the right; empty where there is nothing to draw. Its height is the largest rate,
 * yet at least `least`, so that one message a minute does not look like a flood.
 * @param {ArrayLike<number>} points
 * @param {{ width: number, height: number, least?: number }} size in px
 */
export function curvePath(points, { width, height, least = 1 }) {
  const largest = Math.max(least, ...Array.from(points));
  if (points.length < 2 || Math.max(...Array.from(points)) === 0) return "";
  const step = width / (POINTS - 1);
  const start = width - step * (points.length - 1);
  return Array.from(points, (point, at) => {
    const [x, y] = [start + at * step, height - 1 - (point / largest) * (height - 2)];
    return `${at === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
  }).join("");
}

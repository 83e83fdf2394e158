import { rowsIn, topFor } from "./window.js";

/** Rows beyond the visible part that exist. */
const BEYOND = 8;

/**
 * @template T
 * @typedef {object} Item an element that shows one row, and another one later
 * @property {HTMLElement} element
 * @property {(row: T, index: number) => void} update
 */

/**
 * A list of any length, of which only the rows near the visible part exist as elements.
 * @template {object} T
 */
export class VirtualList {
  #scroller;
  #canvas;
  #header;
  #make;
  /** @type {Map<T, Item<T>>} */
  #shown = new Map();
  /** @type {readonly T[]} */
  #rows = [];
  #rowHeight = 28;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.scroller scrolls
   * @param {HTMLElement} parts.canvas in it: gets the rows; its CSS variable --row is their height
   * @param {HTMLElement} [parts.header] in it: sticks to its top
   * @param {() => Item<T>} parts.make
   */
  constructor({ scroller, canvas, header, make }) {
    this.#scroller = scroller;
    this.#canvas = canvas;
    this.#header = header;
    this.#make = make;
    scroller.addEventListener("scroll", () => this.draw(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(scroller);
    this.#resized();
  }

  /** What is visible of how much. */
  get view() {
    const { scrollTop: top, clientHeight } = this.#scroller;
    const height = Math.max(0, clientHeight - (this.#header?.offsetHeight ?? 0));
    return { top, height, rowHeight: this.#rowHeight, count: this.#rows.length };
  }

  get rows() {
    return this.#rows;
  }

  /**
   * Shows these rows. Where the list is not at its top, the row at the top stays where it is.
   * @param {readonly T[]} rows
   */
  show(rows) {
    const { top, rowHeight } = this.view;
    const at = Math.floor(top / rowHeight);
    const anchor = top > 0 ? this.#rows[at] : undefined;
    this.#rows = rows;
    this.#canvas.style.height = `${rows.length * rowHeight}px`;
    if (anchor !== undefined) {
      const now = rows[at] === anchor ? at : rows.indexOf(anchor);
      if (now !== -1 && now !== at) this.#scroller.scrollTop = top + (now - at) * rowHeight;
    }
    this.draw();
  }

  /** Brings the elements up to what is visible now. */
  draw() {
    const { first, end } = rowsIn(this.view, BEYOND);
    const wanted = new Set(this.#rows.slice(first, end));
    /** @type {Item<T>[]} */
    const free = [];
    for (const [row, item] of this.#shown) {
      if (wanted.has(row)) continue;
      this.#shown.delete(row);
      free.push(item);
    }
    let index = first;
    for (const row of wanted) {
      const item = this.#shown.get(row) ?? this.#take(row, free);
      const place = `translateY(${index * this.#rowHeight}px)`;
      if (item.element.style.transform !== place) item.element.style.transform = place;
      item.update(row, index);
      index += 1;
    }
    for (const { element } of free) element.remove();
  }

  /** @param {number} index */
  reveal(index) {
    const { view } = this;
    const top = topFor(view, index);
    if (top !== view.top) this.#scroller.scrollTop = top;
    this.draw();
  }

  /** @param {T} row */
  elementOf(row) {
    return this.#shown.get(row)?.element;
  }

  /**
   * @param {T} row
   * @param {Item<T>[]} free
   */
  #take(row, free) {
    const item = free.pop() ?? this.#make();
    this.#shown.set(row, item);
    if (!item.element.isConnected) this.#canvas.append(item.element);
    return item;
  }

  #resized() {
    const before = this.#rowHeight;
    this.#rowHeight = Number.parseFloat(getComputedStyle(this.#canvas).getPropertyValue("--row")) || before;
    if (before !== this.#rowHeight) {
      this.#canvas.style.height = `${this.#rows.length * this.#rowHeight}px`;
      this.#scroller.scrollTop *= this.#rowHeight / before;
    }
    this.draw();
  }
}

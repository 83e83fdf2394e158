import { byId, make, button, setAttribute, setText } from "./dom.js";
import { RowView } from "./row-view.js";
import { VirtualList } from "./virtual-list.js";
import { rowAfterKey } from "./window.js";

/** @import { Row } from "./row.js" */

/** The list of connections: what is visible of it, which row is selected, and the keys that move in it. */
export class ListView {
  #list;
  #grid = byId("list", HTMLElement);
  #empty = byId("empty", HTMLElement);
  #opened;
  /** @type {Row | undefined} */
  selected;
  #ids = 0;
  proxies = false;

  /** @param {{ opened: (row: Row, focus: boolean) => void, moved: (row: Row) => void }} told */
  constructor({ opened, moved }) {
    this.#opened = opened;
    const grid = this.#grid;
    const header = byId("columns", HTMLElement);
    this.#list = new VirtualList({
      scroller: grid,
      canvas: byId("rows", HTMLElement),
      header,
      make: () => this.#item(),
    });
    grid.addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (event.key === "Enter" && this.selected !== undefined) {
        event.preventDefault();
        opened(this.selected, true);
        return;
      }
      const { rows, view } = this.#list;
      const current = this.selected === undefined ? -1 : rows.indexOf(this.selected);
      const target = rowAfterKey(event.key, current, view);
      const row = target === undefined ? undefined : rows[target];
      if (target === undefined || row === undefined) return;
      event.preventDefault();
      this.select(row);
      this.#list.reveal(target);
      this.#point();
      moved(row);
    });
  }

  /**
   * @param {readonly Row[]} rows the newest first
   * @param {{ readonly text: string, readonly action?: readonly [label: string, pressed: () => void] }} none words for a list
   *   without rows
   */
  show(rows, none) {
    setAttribute(this.#grid, "aria-rowcount", String(rows.length + 1));
    this.#list.show(rows);
    this.#point();
    this.#empty.hidden = rows.length > 0;
    if (rows.length > 0 || this.#empty.dataset["text"] === none.text) return;
    this.#empty.dataset["text"] = none.text;
    this.#empty.replaceChildren(make("p", "", none.text));
    if (none.action !== undefined) this.#empty.append(button(none.action[0], "", none.action[1]));
  }

  /** Brings ages up to date. */
  tick() {
    this.#list.draw();
  }

  /** @param {Row | undefined} row */
  select(row) {
    this.selected = row;
    this.#list.draw();
    this.#point();
  }

  focus() {
    this.#grid.focus({ preventScroll: true });
  }

  #item() {
    const view = new RowView();
    this.#ids += 1;
    view.element.id = `row-${this.#ids}`;
    view.element.addEventListener("click", () => {
      if (view.row === undefined || String(getSelection()) !== "") return;
      this.select(view.row);
      this.#opened(view.row, false);
    });
    /** @type {(row: Row, index: number) => void} */
    const update = (row, index) =>
      view.update(row, { index, now: Date.now(), selected: row === this.selected, proxies: this.proxies });
    return { element: view.element, update };
  }

  /** Tells a screen reader which row is selected: the focus stays on the list. */
  #point() {
    const element = this.selected === undefined ? undefined : this.#list.elementOf(this.selected);
    if (element === undefined) this.#grid.removeAttribute("aria-activedescendant");
    else setAttribute(this.#grid, "aria-activedescendant", element.id);
  }
}

/**
 * How many rows there are of how many.
 * @param {HTMLElement} element
 * @param {{ shown: number, all: number, fresh: number }} counts `fresh`: since the list was paused
 */
export function showCounts(element, { shown, all, fresh }) {
  const of = shown === all ? `${all}` : `${shown} of ${all}`;
  setText(element, fresh > 0 ? `${of} · ${fresh} new` : of);
}

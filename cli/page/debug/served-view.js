import { button, byId, make, quote, setText } from "./dom.js";

/** @import { ServedLine } from "./served.js" */

/** The list of pods and what each serves, behind the button of its tile. */
export class ServedView {
  #list = byId("served", HTMLElement);
  #shown = "";
  open = button("pods", "only", () => this.#list.togglePopover());

  constructor() {
    this.open.setAttribute("aria-controls", this.#list.id);
    this.open.setAttribute("aria-expanded", "false");
    this.#list.addEventListener("toggle", (event) => {
      const is = event.newState === "open";
      this.open.setAttribute("aria-expanded", String(is));
      if (is) this.#list.focus();
    });
  }

  /**
   * @param {string} what
   * @param {readonly ServedLine[]} lines
   */
  show(what, lines) {
    setText(this.open, what);
    this.open.hidden = lines.length === 0;
    const shown = JSON.stringify(lines);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const items = lines.map(({ name, words, bad }) => {
      const item = make("li", bad ? "bad" : "", quote(name, "strong"));
      if (words !== "") item.append(" ", quote(words));
      return item;
    });
    this.#list.replaceChildren(make("h2", "", "What each pod serves"), make("ul", "", ...items));
  }
}

import { button, byId, make, quote } from "./dom.js";

/** @import { Trouble } from "./pods.js" */

/** Troubles that are shown one by one. */
const MOST = 5;

/** One notice for each pod that is in trouble, gone when the pod answers again. */
export class TroublesView {
  #list = byId("troubles", HTMLElement);
  #dismissed;
  #said;
  #shown = "";
  /** @type {ReadonlySet<string>} */
  #known = new Set();

  /**
   * @param {object} calls
   * @param {(message: string) => void} calls.dismissed a person has read a trouble of no single pod
   * @param {(words: string) => void} calls.said tells a screen reader what happened
   */
  constructor({ dismissed, said }) {
    this.#dismissed = dismissed;
    this.#said = said;
  }

  /** @param {readonly Trouble[]} troubles */
  show(troubles) {
    const shown = JSON.stringify(troubles);
    if (shown === this.#shown) return;
    this.#shown = shown;
    const items = troubles.slice(0, MOST).map((one) => this.#item(one));
    const more = troubles.length - items.length;
    if (more > 0) items.push(make("li", "", `and ${more} more; the list of pods has all that did not answer`));
    this.#list.replaceChildren(...items);
    this.#list.hidden = items.length === 0;
    const keys = troubles.map(({ pod, message }) => pod ?? message);
    const fresh = keys.filter((key) => !this.#known.has(key));
    this.#known = new Set(keys);
    if (fresh.length > 0) this.#said(`${fresh.length === 1 ? "A pod is" : `${fresh.length} pods are`} in trouble`);
  }

  /** @param {Trouble} trouble */
  #item({ pod, message }) {
    if (pod !== undefined) return make("li", "", quote(pod, "strong"), " ", quote(message));
    const read = button("✕", "leave", () => this.#dismissed(message));
    read.setAttribute("aria-label", "Dismiss this notice");
    return make("li", "", quote(message), read);
  }
}

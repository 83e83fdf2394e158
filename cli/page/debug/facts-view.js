import { button, make, quote, setQuote } from "./dom.js";
import { factsOf } from "./facts.js";

/** @import { Row } from "./row.js" */

/** The facts of one connection. Where only values change, their elements stay. */
export class FactsView {
  #filtered;
  #list = make("dl", "");
  #element = make("section", "facts", make("h3", "", "Handshake and session"), this.#list);
  #names = "";
  /** @type {Map<string, HTMLElement>} */
  #values = new Map();
  /** @type {Map<string, string>} field → what the filter is to ask for */
  #fields = new Map();

  /** @param {(field: string, value: string) => void} filtered the person wants to see only these */
  constructor(filtered) {
    this.#filtered = filtered;
  }

  /** @param {Row} row */
  show(row) {
    const facts = factsOf(row, Date.now());
    const names = facts.map(({ name }) => name).join();
    if (names !== this.#names) {
      this.#names = names;
      this.#values.clear();
      this.#list.replaceChildren(...facts.flatMap((fact) => this.#line(fact)));
    }
    for (const { name, value, field } of facts) {
      const element = this.#values.get(name);
      if (element !== undefined) setQuote(element, value);
      if (field !== undefined) this.#fields.set(field, value);
    }
    return this.#element;
  }

  /** @param {{ readonly name: string, readonly field?: string, readonly code?: boolean }} fact */
  #line({ name, field, code }) {
    const text = quote("", code === true ? "code" : "");
    this.#values.set(name, text);
    const cell = make("dd", "", text);
    if (field !== undefined) {
      const only = button("filter", "only", () => this.#filtered(field, this.#fields.get(field) ?? ""));
      only.setAttribute("aria-label", `Show only this ${name.toLowerCase()}`);
      only.dataset["about"] = field;
      cell.append(" ", only);
    }
    return [make("dt", "", name), cell];
  }
}

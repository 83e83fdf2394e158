import { button, byId, make, prose } from "./dom.js";
import { tokenIn } from "./token.js";

/** @import { Problem } from "./problems.js" */

/** The words at the top of the page where something is wrong, with a field for a token where only that helps. */
export class NoticeView {
  #notice = byId("notice", HTMLElement);
  #given;
  #shown = "";

  /** @param {(token: string) => void} given a person gave a token */
  constructor(given) {
    this.#given = given;
  }

  /** @param {Problem | undefined} problem undefined: all is well */
  show(problem) {
    const shown = problem === undefined ? "" : `${problem.title}\n${problem.advice}`;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.#notice.hidden = problem === undefined;
    if (problem === undefined) return this.#notice.replaceChildren();
    this.#notice.replaceChildren(make("strong", "", problem.title), prose(problem.advice));
    if (problem.wantsToken) this.#notice.append(this.#field());
  }

  #field() {
    const input = make("input", "");
    input.type = "password";
    input.autocomplete = "off";
    input.setAttribute("aria-label", "Link or token");
    input.placeholder = "http://127.0.0.1:9090/debug#token=…";
    const use = () => {
      const text = input.value.trim();
      const token = text.includes("#") ? tokenIn(text.slice(text.indexOf("#"))) : text;
      if (token !== undefined && token !== "") this.#given(token);
    };
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter") use();
    });
    return make("div", "actions", input, button("Use it", "", use));
  }
}

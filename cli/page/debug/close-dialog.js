import { button, byId, make, prose, quote, setText } from "./dom.js";
import { readCloseAnswer } from "./events.js";
import { problemOf } from "./problems.js";
import { titleOf } from "./row-view.js";
import { closeText, LONGEST_REASON } from "./close-text.js";

/**
 * @import { Gateway } from "./gateway.js"
 * @import { Row } from "./row.js"
 */

/** Pods of which the answer says that they gave none. */
const MOST_FAILURES = 10;

/** Asks before it closes a session, with a text for the client. */
export class CloseDialog {
  #dialog = byId("closing", HTMLDialogElement);
  #said;

  /** @param {(words: string) => void} said tells a screen reader what happened */
  constructor(said) {
    this.#said = said;
  }

  /**
   * @param {Row} row
   * @param {Gateway} gateway
   */
  ask(row, gateway) {
    const { session } = row;
    if (session === undefined || this.#dialog.open) return;
    const title = make("h2", "", "Close this session?");
    title.id = "closing-title";
    const about = make(
      "p",
      "",
      "The session of ",
      quote(titleOf(row), "strong"),
      " on route ",
      quote(row.route ?? "–", "strong"),
    );
    about.append(" ends now, at both ends. The client may connect again.");
    const input = make("input", "");
    input.id = "closing-text";
    input.maxLength = LONGEST_REASON;
    input.autocomplete = "off";
    const label = make("label", "", "Text for the client (optional)");
    label.htmlFor = input.id;
    const wire = make("p", "note");
    wire.id = "closing-wire";
    input.setAttribute("aria-describedby", wire.id);
    const problem = make("p", "problem");
    problem.setAttribute("role", "alert");
    const cancel = button("Keep it", "", () => this.#dialog.close());
    const close = button("Close the session", "danger", () => void send());
    /** @type {() => void} */
    const preview = () => setText(wire, `The client gets: 1008 ${closeText(input.value)}`);
    const send = async () => {
      if (close.disabled) return;
      close.disabled = true;
      setText(problem, "");
      try {
        this.#answered(readCloseAnswer(await gateway.close(session, input.value.trim())));
      } catch (error) {
        const { title: what, advice } = problemOf(error, location.origin);
        setText(problem, `${what}. ${advice}`);
        close.disabled = false;
      }
    };
    input.addEventListener("input", preview);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.isComposing) void send();
    });
    preview();
    this.#dialog.replaceChildren(title, about, label, input, wire, problem, make("div", "actions", cancel, close));
    this.#dialog.showModal();
    input.focus();
  }

  /** @param {ReturnType<typeof readCloseAnswer>} answer */
  #answered({ closed, note, failures }) {
    const words = closed === 0 ? "The session had ended already." : "The session was told to end.";
    const unsure = `${failures.length === 1 ? "A pod" : `${failures.length} pods`} gave no answer:`;
    this.#said(`${words} ${failures.length === 0 ? "" : unsure} ${note}`);
    const title = make("h2", "", words);
    title.id = "closing-title";
    const done = button("Done", "", () => this.#dialog.close());
    this.#dialog.replaceChildren(title, prose(note));
    if (failures.length > 0) this.#dialog.append(make("p", "problem", unsure), failureList(failures));
    this.#dialog.append(make("div", "actions", done));
    done.focus();
  }
}

/** @param {ReturnType<typeof readCloseAnswer>["failures"]} failures */
function failureList(failures) {
  const items = failures
    .slice(0, MOST_FAILURES)
    .map(({ pod, message }) => make("li", "", quote(pod, "strong"), " ", quote(message)));
  const more = failures.length - items.length;
  return make("ul", "failures", ...items, ...(more > 0 ? [make("li", "", `and ${more} more`)] : []));
}

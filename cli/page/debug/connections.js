import { byId, setText } from "./dom.js";
import { FILTER_FIELDS, filterTerms, passes, withTerm } from "./filter.js";
import { ListView, showCounts } from "./list-view.js";
import { Rows } from "./rows.js";
import { visible } from "./shown.js";

/**
 * @import { Handshake } from "./events.js"
 * @import { Outcome } from "./filter.js"
 * @import { PanelView } from "./panel-view.js"
 * @import { Row } from "./row.js"
 */

/** Between two announcements of refusals, in ms. */
const ANNOUNCE = 5000;

/** The list of connections with its filter and its pause. Many changes are drawn together, once for each frame of the screen. */
export class Connections {
  #rows = new Rows();
  #list;
  #panel;
  #announce;
  #filter = byId("filter", HTMLInputElement);
  #pause = byId("pause", HTMLButtonElement);
  #shown = byId("shown", HTMLElement);
  /** @type {Outcome} */
  #outcome = "all";
  /** @type {readonly Row[] | undefined} the rows as they were when a person paused */
  #paused;
  /** Rows that there had been by then. */
  #addedBefore = 0;
  #drawing = false;
  #refused = 0;
  #heard = Number.NEGATIVE_INFINITY;
  /** No process answers: an empty list says that instead. */
  #unanswered = false;

  /** @param {{ panel: PanelView, announce: (words: string) => void }} parts */
  constructor({ panel, announce }) {
    this.#panel = panel;
    this.#announce = announce;
    this.#list = new ListView({
      opened: (row, focus) => panel.open(row, focus),
      moved: (row) => {
        if (panel.row !== undefined) panel.open(row, false);
      },
    });
    setText(byId("filter-hint", HTMLElement), `Words, or fields: ${FILTER_FIELDS.map((name) => `${name}:`).join(" ")}`);
    this.#filter.title = `Words, or fields: ${FILTER_FIELDS.map((name) => `${name}:`).join(" ")}`;
    this.#filter.addEventListener("input", () => this.#draw());
    this.#filter.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "ArrowDown") {
        event.preventDefault();
        this.focus();
      } else if (event.key === "Escape" && this.#filter.value === "") this.focus();
    });
    this.#pause.addEventListener("click", () => this.#togglePause());
    byId("outcomes", HTMLElement).addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement) this.#outcome = /** @type {Outcome} */ (target.value);
      this.#draw();
    });
    document.addEventListener("keydown", (event) => this.#shortcut(event));
    setInterval(() => this.#tick(), 1000);
    this.#draw();
  }

  /** @param {(rows: Rows) => void} make */
  change(make) {
    make(this.#rows);
    this.#soon();
  }

  /** @param {Handshake} it */
  handshake(it) {
    this.change((rows) => rows.handshake(it));
    if (it.session !== undefined || it.past) return;
    this.#refused += 1;
    const now = performance.now();
    if (now - this.#heard < ANNOUNCE) return;
    const many = this.#refused === 1 ? "A handshake was refused" : `${this.#refused} handshakes were refused, the last`;
    this.#announce(
      `${many}: ${visible(it.client ?? it.address ?? "unknown client")}, ${it.status} ${visible(it.reason)}`,
    );
    this.#heard = now;
    this.#refused = 0;
  }

  /** @param {boolean} are */
  unanswered(are) {
    if (this.#unanswered === are) return;
    this.#unanswered = are;
    this.#soon();
  }

  /** @param {boolean} are */
  severalProxies(are) {
    this.#list.proxies = are;
    this.#soon();
  }

  /**
   * @param {string} field
   * @param {string} value
   */
  filterBy(field, value) {
    this.#filter.value = withTerm(this.#filter.value, field, value);
    this.#draw();
  }

  focus() {
    this.#list.focus();
  }

  #soon() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#draw();
    });
  }

  #draw() {
    const all = this.#paused ?? this.#rows.all;
    const terms = filterTerms(this.#filter.value);
    /** @type {Row[]} */
    const rows = [];
    for (let at = all.length - 1; at >= 0; at -= 1) {
      const row = all[at];
      if (row !== undefined && passes(row, this.#outcome, terms)) rows.push(row);
    }
    this.#list.show(rows, this.#none(all.length));
    const fresh = this.#paused === undefined ? 0 : this.#rows.added - this.#addedBefore;
    showCounts(this.#shown, { shown: rows.length, all: all.length, fresh });
    this.#panel.draw();
  }

  /**
   * @param {number} all rows without the filter
   * @returns {Parameters<ListView["show"]>[1]}
   */
  #none(all) {
    if (all > 0) {
      const clear = () => {
        this.#filter.value = "";
        const every = document.querySelector('input[name="outcome"][value="all"]');
        if (every instanceof HTMLInputElement) every.checked = true;
        this.#outcome = "all";
        this.#draw();
        this.focus();
      };
      return {
        text: `None of ${all === 1 ? "1 connection" : `${all} connections`} fits the filter.`,
        action: ["Clear the filter", clear],
      };
    }
    if (this.#unanswered)
      return { text: "Nothing can be listed, since no answer comes. The notice at the top says why, and what to do." };
    return {
      text: "No connection yet. Each handshake shows up here as it comes, and the sessions that are open already. Connect a client through the gateway.",
    };
  }

  #togglePause() {
    this.#paused = this.#paused === undefined ? [...this.#rows.all] : undefined;
    this.#addedBefore = this.#rows.added;
    const is = this.#paused !== undefined;
    this.#pause.setAttribute("aria-pressed", String(is));
    setText(this.#pause, is ? "Resume" : "Pause");
    this.#draw();
  }

  #tick() {
    if (document.hidden) return;
    this.#list.tick();
    this.#panel.draw();
  }

  /** @param {KeyboardEvent} event */
  #shortcut(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.defaultPrevented) return;
    const typing = event.target instanceof HTMLInputElement && event.target.type !== "radio";
    if (event.key === "/" && !typing && document.querySelector("dialog[open]") === null) {
      event.preventDefault();
      this.#filter.focus();
      this.#filter.select();
    } else if (
      event.key === "Escape" &&
      !typing &&
      this.#panel.row !== undefined &&
      document.querySelector("dialog[open], :popover-open") === null
    ) {
      this.#panel.hide();
      this.focus();
    }
  }
}

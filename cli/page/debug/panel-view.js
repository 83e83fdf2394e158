import { button, byId, make, place, quote, setQuote, setText } from "./dom.js";
import { FactsView } from "./facts-view.js";
import { duration } from "./format.js";
import { FramesView } from "./frames-view.js";
import { ageOf, endOf, titleOf } from "./row-view.js";
import { timelineOf } from "./timeline.js";
import { timelineSection, traceSection, whySection } from "./trace-view.js";

/**
 * @import { Gateway } from "./gateway.js"
 * @import { Row } from "./row.js"
 *
 * @typedef {object} PanelCalls
 * @property {() => void} closed
 * @property {(row: Row) => void} closing the person wants to close the session
 * @property {(field: string, value: string) => void} filtered the person wants to see only these
 */

/** The panel of one connection: why, facts, trace, timeline, frames, and what can be done. */
export class PanelView {
  #panel = byId("panel", HTMLElement);
  #calls;
  #title = make("h2", "");
  #name = quote("");
  #badge = make("span", "badge");
  #end = quote("", "end");
  #body = make("div", "body");
  #frames = /** @type {FramesView | undefined} */ (undefined);
  #gateway = /** @type {Gateway | undefined} */ (undefined);
  #version = -1;
  #payload = false;
  /** @type {Map<string, { signature: unknown, element: HTMLElement | undefined, row: Row | undefined }>} */
  #parts = new Map();
  #facts;
  /** @type {Row | undefined} */
  row;

  /** @param {PanelCalls} calls */
  constructor(calls) {
    this.#calls = calls;
    this.#facts = new FactsView(calls.filtered);
    this.#title.id = "panel-title";
    this.#title.tabIndex = -1;
    this.#title.append(this.#name);
    const leave = button("✕", "leave", () => calls.closed());
    leave.setAttribute("aria-label", "Close this panel");
    const head = make("header", "", this.#title, leave, make("p", "", this.#badge, this.#end));
    this.#panel.append(head, this.#body);
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key === "Escape") calls.closed();
    });
  }

  /** @param {{ gateway: Gateway | undefined, payload: boolean }} now `payload`: a trace of frames may show it */
  use({ gateway, payload }) {
    this.#gateway = gateway;
    if (this.#payload === payload) return;
    this.#payload = payload;
    this.#version = -1;
  }

  /**
   * @param {Row} row
   * @param {boolean} focus move the focus into the panel
   */
  open(row, focus) {
    if (this.row !== row) {
      this.#stopFrames();
      this.#panel.scrollTop = 0;
      this.#version = -1;
    }
    this.row = row;
    this.#panel.hidden = false;
    document.body.dataset["panel"] = "open";
    this.draw();
    if (focus) this.#title.focus({ preventScroll: true });
  }

  hide() {
    this.#stopFrames();
    this.row = undefined;
    this.#panel.hidden = true;
    delete document.body.dataset["panel"];
  }

  /** Shows what the row is by now. */
  draw() {
    const { row } = this;
    if (row === undefined) return;
    setText(this.#badge, badgeOf(row, Date.now()));
    // A person who marks a text wants to copy it.
    if (this.#version === row.version || this.#isMarked()) return;
    this.#version = row.version;
    this.#panel.dataset["state"] = row.state;
    setQuote(this.#name, titleOf(row));
    setQuote(this.#end, endOf(row));
    const focus = document.activeElement instanceof HTMLElement ? document.activeElement.dataset["about"] : undefined;
    const timeline = JSON.stringify(timelineOf(row));
    const parts = [
      this.#part("why", `${row.key} ${row.state} ${row.reason}`, () => whySection(row)),
      this.#part("actions", `${row.key} ${row.state} ${this.#payload} ${this.#frames !== undefined}`, () =>
        this.#actions(row),
      ),
      this.#frames?.element,
      this.#part("trace", row.handshake, () => traceSection(row)),
      row.status === 101 || row.timeline.length > 0
        ? this.#part("timeline", `${row.key} ${timeline}`, () => timelineSection(row))
        : undefined,
      this.#facts.show(row),
    ];
    place(
      this.#body,
      parts.filter((part) => part !== undefined),
    );
    const lost = focus !== undefined && document.activeElement === document.body;
    if (lost) this.#focusOn(focus);
  }

  /**
   * A part of the panel, made anew only where its signature has changed: a button that a person is about to press stays.
   * @param {string} name
   * @param {unknown} signature
   * @param {() => HTMLElement | undefined} build
   */
  #part(name, signature, build) {
    const before = this.#parts.get(name);
    if (before !== undefined && before.signature === signature && before.row === this.row) return before.element;
    const element = build();
    this.#parts.set(name, { signature, element, row: this.row });
    return element;
  }

  /** @param {Row} row */
  #actions(row) {
    if (row.state !== "open" || row.session === undefined) return undefined;
    const watch = button(this.#frames === undefined ? "Watch frames" : "Stop watching", "", () =>
      this.#toggleFrames(false),
    );
    watch.dataset["about"] = "watch";
    const buttons = [watch];
    if (this.#payload && this.#frames === undefined) {
      const payload = button("Watch with payload", "", () => this.#toggleFrames(true));
      payload.dataset["about"] = "payload";
      buttons.push(payload);
    }
    const close = button("Close this session…", "danger", () => this.#calls.closing(row));
    close.dataset["about"] = "close";
    return make("div", "actions", ...buttons, close);
  }

  /** @param {boolean} payload */
  #toggleFrames(payload) {
    const { row } = this;
    if (this.#frames !== undefined) this.#stopFrames();
    else if (row?.session !== undefined && this.#gateway !== undefined)
      this.#frames = new FramesView(this.#gateway, row.session, payload);
    this.#version = -1;
    this.draw();
    this.#focusOn("watch");
  }

  #stopFrames() {
    this.#frames?.stop();
    this.#frames?.element.remove();
    this.#frames = undefined;
  }

  #isMarked() {
    const selection = getSelection();
    return selection?.isCollapsed === false && this.#panel.contains(selection.anchorNode);
  }

  /** @param {string} about */
  #focusOn(about) {
    const next = [...this.#panel.querySelectorAll("button")].find((one) => one.dataset["about"] === about);
    (next ?? this.#title).focus({ preventScroll: true });
  }
}

/**
 * @param {Row} row
 * @param {number} now
 */
function badgeOf(row, now) {
  if (row.state === "refused") return `refused ${row.status}`;
  if (row.state === "open") return `open ${duration(ageOf(row, now))}`;
  return row.state === "lost" ? "ended" : `ended after ${duration(ageOf(row, now))}`;
}

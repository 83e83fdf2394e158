import { curvePath } from "./curve.js";
import { curveElement, make, setAttribute, setQuote, setText } from "./dom.js";
import * as format from "./format.js";
import { both } from "./row.js";

/** @import { BothWays } from "./events.js" */
/** @import { Row } from "./row.js" */

const CURVE = { width: 72, height: 20 };

/**
 * What a row is called where there is only one line for it.
 * @param {Row} row
 */
export function titleOf(row) {
  return row.client ?? row.address ?? "unknown client";
}

/**
 * Status and end in a few words, for the list and for a screen reader.
 * @param {Row} row
 */
export function endOf(row) {
  if (row.state === "refused") return [row.reason, row.handshake?.policy].filter(Boolean).join(" · ");
  if (row.state === "lost") return row.podGone ? "ended with its pod" : "ended unseen";
  if (row.end === undefined) return row.silent ? "its pod gives no answer" : "";
  const { code, reason, by } = row.end;
  return [`${code} ${reason}`.trimEnd(), by].filter(Boolean).join(" · ");
}

/**
 * How long the session has lasted, in seconds; NaN for a refusal.
 * @param {Row} row
 * @param {number} now in ms since 1970
 */
export function ageOf(row, now) {
  if (row.state === "refused" || row.state === "lost") return Number.NaN;
  return row.end === undefined ? Math.max(0, (now - row.at) / 1000) : row.end.duration;
}

/** An element of the list, for one row after another. */
export class RowView {
  element = make("div", "row");
  #cells;
  #client = make("bdi", "");
  #pod = make("bdi", "pod");
  #route = make("bdi", "");
  #end = make("bdi", "");
  #curve = curveElement(CURVE.width, CURVE.height);
  /** @type {Row | undefined} */
  row;
  #version = -1;
  #proxies = false;

  constructor() {
    this.element.setAttribute("role", "row");
    const names = ["time", "client", "route", "status", "age", "messages", "bytes", "curve", "end"];
    this.#cells = Object.fromEntries(names.map((name) => [name, make("span", `cell ${name}`)]));
    for (const cell of Object.values(this.#cells)) cell.setAttribute("role", "gridcell");
    this.#cell("client").append(this.#client, " ", this.#pod);
    this.#cell("route").append(this.#route);
    this.#cell("curve").append(this.#curve.svg);
    this.#cell("end").append(this.#end);
    this.element.append(...Object.values(this.#cells));
  }

  /**
   * @param {Row} row
   * @param {{ index: number, now: number, selected: boolean, proxies: boolean }} how `proxies`: the list has several
   */
  update(row, { index, now, selected, proxies }) {
    const { element } = this;
    setAttribute(element, "aria-rowindex", String(index + 2));
    setAttribute(element, "aria-selected", String(selected));
    setText(this.#cell("age"), format.duration(ageOf(row, now)));
    if (this.row === row && this.#version === row.version && this.#proxies === proxies) return;
    this.row = row;
    this.#version = row.version;
    this.#proxies = proxies;
    element.dataset["state"] = row.state;
    if (row.end !== undefined) element.dataset["by"] = row.end.by;
    else delete element.dataset["by"];
    element.toggleAttribute("data-silent", row.silent && row.state === "open");
    setText(this.#cell("time"), format.clockTime(row.at));
    setQuote(this.#client, titleOf(row));
    this.#client.classList.toggle("address", row.client === undefined);
    setQuote(this.#pod, row.pod ?? "");
    setQuote(this.#route, [proxies ? row.proxy : "", row.route ?? "–"].filter(Boolean).join(" · "));
    setText(this.#cell("status"), row.status === 0 ? "–" : String(row.status));
    setQuote(this.#end, endOf(row));
    this.#counts("messages", row, row.messages, format.count);
    this.#counts("bytes", row, row.bytes, format.bytes);
    setAttribute(
      this.#curve.path,
      "d",
      row.state === "open" && !row.silent ? curvePath(row.curve?.points ?? [], CURVE) : "",
    );
  }

  /**
   * @param {"messages" | "bytes"} name
   * @param {Row} row
   * @param {BothWays} counts
   * @param {(value: number) => string} words
   */
  #counts(name, row, counts, words) {
    const cell = this.#cell(name);
    if (row.state === "refused" || (both(counts) === 0 && Number.isNaN(row.counted) && row.end === undefined)) {
      setText(cell, "");
      cell.removeAttribute("aria-label");
      return;
    }
    const [up, down] = [words(counts.fromClient), words(counts.fromBackend)];
    setText(cell, `↑ ${up}  ↓ ${down}`);
    setAttribute(cell, "aria-label", `${name}: ${up} from the client, ${down} from the backend`);
  }

  /** @param {string} name */
  #cell(name) {
    const cell = this.#cells[name];
    if (cell === undefined) throw new Error(`no cell ${name}`);
    return cell;
  }
}

import { curvePath, Curve } from "./curve.js";
import { byId, curveElement, make, setAttribute, setText } from "./dom.js";
import * as format from "./format.js";
import { servedOf } from "./served.js";
import { ServedView } from "./served-view.js";

/**
 * @import { readFailures, Served } from "./events.js"
 * @import { Counts, Rates } from "./totals.js"
 */

const CURVE = { width: 96, height: 26 };

/** The head line: what the gateway does as a whole. */
export class HeadView {
  #tiles = new Map(
    ["Open sessions", "Accepted", "Refused", "Messages", "Bytes", "Buffered", "Serving"].map((name) => [
      name,
      new Tile(name),
    ]),
  );

  #totals = byId("totals", HTMLElement);
  #list = new ServedView();

  constructor() {
    this.#totals.append(...[...this.#tiles.values()].map(({ element }) => element));
    this.#tile("Serving").add(this.#list.open);
  }

  /** The numbers are of now, or of a time when the gateway still answered. @param {boolean} are */
  fresh(are) {
    this.#totals.toggleAttribute("data-stale", !are);
  }

  /**
   * @param {Counts} counts
   * @param {Rates | undefined} rates undefined: they are not known yet
   */
  counted(counts, rates) {
    this.#tile("Open sessions").show(format.count(counts.open), "", counts.open);
    this.#tile("Buffered").show(counts.buffered === undefined ? "–" : format.bytes(counts.buffered), "");
    if (rates === undefined) return;
    const [first] = rates.reasons;
    this.#tile("Accepted").show(format.rate(rates.accepted), "handshakes/s", rates.accepted);
    const words = first === undefined ? "handshakes/s" : `/s · ${first[0]}${rates.reasons.length > 1 ? " …" : ""}`;
    this.#tile("Refused").show(format.rate(rates.refused), words, rates.refused);
    this.#tile("Refused").warn(rates.refused > 0);
    setAttribute(
      this.#tile("Refused").element,
      "title",
      rates.reasons.map(([reason, rate]) => `${reason}: ${format.rate(rate)}/s`).join("\n"),
    );
    this.#tile("Messages").show(format.rate(rates.messages), "/s", rates.messages);
    this.#tile("Bytes").show(format.bytes(rates.bytes), "/s", rates.bytes);
  }

  /**
   * @param {readonly Served[]} served
   * @param {ReturnType<typeof readFailures>} failures
   */
  served(served, failures) {
    const { title, detail, problem, lines } = servedOf(served, failures);
    const tile = this.#tile("Serving");
    tile.show(title, detail);
    tile.warn(problem);
    setAttribute(tile.element, "title", lines.map(({ name, words }) => `${name}: ${words}`).join("\n"));
    this.#list.show(served.some(({ pod }) => pod !== undefined) ? "pods" : "list", lines);
  }

  /** No process tells what it serves. */
  unserved() {
    const tile = this.#tile("Serving");
    tile.show("–", "no answer");
    tile.warn(true);
    setAttribute(tile.element, "title", "");
    this.#list.show("pods", []);
  }

  /** @param {string} name */
  #tile(name) {
    const tile = this.#tiles.get(name);
    if (tile === undefined) throw new Error(`no tile ${name}`);
    return tile;
  }
}

class Tile {
  #value = make("span", "value", "–");
  #unit = make("span", "unit");
  #curve = curveElement(CURVE.width, CURVE.height);
  #points = new Curve();
  #name;
  element;

  /** @param {string} name */
  constructor(name) {
    const about = make("dd", "", this.#value, this.#unit);
    about.append(this.#curve.svg);
    this.#name = make("dt", "", name);
    this.element = make("div", "tile", this.#name, about);
    this.element.dataset["name"] = name;
  }

  /**
   * @param {string} value
   * @param {string} unit
   * @param {number} [point] of the tile's curve
   */
  show(value, unit, point) {
    setText(this.#value, value);
    setText(this.#unit, unit);
    if (point === undefined) return;
    this.#points.add(point);
    setAttribute(this.#curve.path, "d", curvePath(this.#points.points, CURVE));
  }

  /** @param {HTMLElement} element stands beside its name */
  add(element) {
    this.#name.append(" ", element);
  }

  /** @param {boolean} is */
  warn(is) {
    this.element.classList.toggle("warn", is);
  }
}

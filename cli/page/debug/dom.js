import { visible } from "./shown.js";

// Elements are made here, and texts get into them as text only: nothing of this page ever parses HTML.

const SVG = "http://www.w3.org/2000/svg";

/**
 * The element of the page with this id.
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`the page has no ${id}`);
  return element;
}

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {string} className
 * @param {...(string | Node)} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.append(...children);
  return element;
}

/**
 * A text from the network, as an element: what it looks like and where it ends does not depend on what is in it.
 * @param {string} text
 * @param {string} [className]
 */
export function quote(text, className = "") {
  const element = make("bdi", className);
  setQuote(element, text);
  return element;
}

/**
 * Sentences with words of a program in backticks, as a paragraph: these are code.
 * @param {string} text
 */
export function prose(text) {
  const parts = visible(text).split("`");
  // Without its partner the last backtick is one.
  const paired = parts.length % 2 === 1 ? parts : [...parts.slice(0, -2), parts.slice(-2).join("`")];
  const nodes = paired.map((part, at) => (at % 2 === 1 ? make("code", "", part) : part));
  const element = make("bdi", "", ...nodes);
  return make("p", "", element);
}

/**
 * @param {HTMLElement} element a `bdi`
 * @param {string} text
 */
export function setQuote(element, text) {
  setText(element, visible(text));
}

/**
 * Writes only what changes: a browser lays out again what is written.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element} element
 * @param {string} name
 * @param {string} value
 */
export function setAttribute(element, name, value) {
  if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

/**
 * @param {string} label
 * @param {string} className
 * @param {() => void} pressed
 */
export function button(label, className, pressed) {
  const element = make("button", className, label);
  element.type = "button";
  element.addEventListener("click", pressed);
  return element;
}

/**
 * An SVG with one path, which says nothing to a screen reader.
 * @param {number} width in px
 * @param {number} height in px
 */
export function curveElement(width, height) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("width", String(width));
  svg.setAttribute("height", String(height));
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  svg.append(path);
  return { svg, path };
}

/**
 * Makes these the children of an element. Those that are there already are not touched.
 * @param {HTMLElement} parent
 * @param {readonly HTMLElement[]} wanted
 */
export function place(parent, wanted) {
  for (const child of [...parent.children]) if (!wanted.some((one) => one === child)) child.remove();
  wanted.forEach((element, at) => {
    if (parent.children[at] !== element) parent.insertBefore(element, parent.children[at] ?? null);
  });
}

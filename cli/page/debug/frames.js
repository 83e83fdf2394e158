import { LONGEST, cut } from "./shown.js";

/** @import { Frame } from "./events.js" */

/** Frames that stay in memory. */
export const MOST_FRAMES = 2000;
/** Bytes of binary payload that are shown. */
const HEX = 48;

/** @type {Readonly<Record<number, string>>} RFC 6455 §5.2 */
const OPCODES = { 0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong" };

/**
 * @typedef {object} FrameLine
 * @property {number} at in ms since 1970
 * @property {"up" | "down" | "none"} way up: from the client
 * @property {string} kind
 * @property {number} size in bytes; NaN for a remark
 * @property {string} verdict
 * @property {string} payload
 */

/**
 * @param {Frame} frame
 * @returns {FrameLine}
 */
export function frameLine(frame) {
  const { at, direction, opcode, fin, compressed, size, verdict, reason } = frame;
  const marks = [fin ? "" : " (more follows)", compressed ? " (compressed)" : ""].join("");
  return {
    at,
    way: direction === "fromClient" ? "up" : "down",
    kind: `${OPCODES[opcode] ?? `opcode ${opcode}`}${marks}`,
    size,
    verdict: [verdict, reason].filter(Boolean).join(" · "),
    payload: payloadOf(frame),
  };
}

/**
 * A line of words between frames.
 * @param {number} at
 * @param {string} words
 * @returns {FrameLine}
 */
export function remark(at, words) {
  return { at, way: "none", kind: words, size: Number.NaN, verdict: "", payload: "" };
}

/** @param {Frame} frame */
function payloadOf({ payload, binary }) {
  if (payload === undefined) return "";
  return binary ? hexOf(payload) : cut(payload, LONGEST.fact);
}

/** @param {string} base64 */
function hexOf(base64) {
  try {
    const bytes = atob(base64.slice(0, 4 * Math.ceil(HEX / 3)));
    return Array.from(bytes.slice(0, HEX), (byte) => byte.charCodeAt(0).toString(16).padStart(2, "0")).join(" ");
  } catch {
    return "";
  }
}

/** The last frames of a trace, the newest first, at most MOST_FRAMES. */
export class Frames {
  /** @type {FrameLine[]} oldest first; every now and then the oldest half goes at once */
  #lines = [];
  total = 0;
  bytes = 0;
  leftOut = 0;

  /** @param {FrameLine} line */
  add(line) {
    this.#lines.push(line);
    if (line.way !== "none") {
      this.total += 1;
      this.bytes += line.size;
    }
    if (this.#lines.length >= 2 * MOST_FRAMES) this.#lines.splice(0, MOST_FRAMES);
  }

  get newestFirst() {
    return this.#lines.slice(-MOST_FRAMES).reverse();
  }
}

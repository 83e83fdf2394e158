/** @typedef {{ readonly name: string, readonly data: string }} ServerEvent */

/** Reads a stream in the format of Server-Sent Events piece by piece. An event that is too long is passed over and counted. */
export class EventReader {
  #longest;
  /** The line that is not complete yet. */
  #line = "";
  #name = "";
  /** @type {string[]} */
  #data = [];
  /** Characters of the event so far. */
  #length = 0;
  #tooLong = false;
  /** Events that were passed over. */
  skipped = 0;

  /** @param {number} [longest] characters of an event */
  constructor(longest = 2_097_152) {
    this.#longest = longest;
  }

  /**
   * The events that are complete with this piece.
   * @param {string} piece
   * @returns {ServerEvent[]}
   */
  read(piece) {
    /** @type {ServerEvent[]} */
    const events = [];
    let from = 0;
    for (let end = piece.indexOf("\n"); end !== -1; end = piece.indexOf("\n", from)) {
      this.#grow(piece, from, end);
      const event = this.#endLine();
      if (event !== undefined) events.push(event);
      from = end + 1;
    }
    this.#grow(piece, from, piece.length);
    return events;
  }

  /**
   * @param {string} piece
   * @param {number} from
   * @param {number} end
   */
  #grow(piece, from, end) {
    this.#length += end - from;
    if (this.#length > this.#longest) {
      this.#tooLong = true;
      this.#data = [];
      // Of a line that is passed over only matters whether it is empty, which ends the event.
      this.#line = this.#line === "" && end === from ? "" : ":";
    } else this.#line += piece.slice(from, end);
  }

  /** @returns {ServerEvent | undefined} the event that an empty line completes */
  #endLine() {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    if (line === "") return this.#endEvent();
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
    return undefined;
  }

  #endEvent() {
    const event = { name: this.#name === "" ? "message" : this.#name, data: this.#data.join("\n") };
    const told = !this.#tooLong && this.#data.length > 0;
    if (this.#tooLong) this.skipped += 1;
    this.#name = "";
    this.#data = [];
    this.#length = 0;
    this.#tooLong = false;
    return told ? event : undefined;
  }
}

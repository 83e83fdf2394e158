import { both } from "./row.js";

/**
 * @import { Handshake, Session } from "./events.js"
 * @import { Counts } from "./totals.js"
 */

/**
 * The counts of the head line where no `/metrics` answers: made of what the stream and the list of sessions tell. Messages
 * and bytes are those of sessions that were listed.
 */
export class Tally {
  #accepted = 0;
  #refused = 0;
  /** @type {Map<string, number>} */
  #reasons = new Map();
  #round = { open: 0, messages: 0, bytes: 0 };

  /** @param {Handshake} it */
  handshake(it) {
    if (it.past) return;
    if (it.session !== undefined) this.#accepted += 1;
    else {
      this.#refused += 1;
      if (this.#reasons.size < 64 || this.#reasons.has(it.reason))
        this.#reasons.set(it.reason, (this.#reasons.get(it.reason) ?? 0) + 1);
    }
  }

  /** The first page is asked for. */
  beginRound() {
    this.#round = { open: 0, messages: 0, bytes: 0 };
  }

  /** @param {readonly Session[]} sessions a page of them */
  listed(sessions) {
    this.#round.open += sessions.length;
    for (const { messages, bytes } of sessions) {
      this.#round.messages += both(messages);
      this.#round.bytes += both(bytes);
    }
  }

  /**
   * All pages have been read.
   * @param {number} at in ms
   * @returns {Counts}
   */
  listedAll(at) {
    return {
      at,
      ...this.#round,
      buffered: undefined,
      accepted: this.#accepted,
      refused: this.#refused,
      reasons: new Map(this.#reasons),
    };
  }
}

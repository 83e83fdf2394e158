import {
  addEntry,
  addHandshake,
  closeRow,
  countSession,
  loseRow,
  rowOfClosed,
  rowOfHandshake,
  rowOfSession,
  silenceRow,
} from "./row.js";

/**
 * @import { Closed, Handshake, Happening, readTlsFailed, Session } from "./events.js"
 * @import { Row } from "./row.js"
 */

/** Rows of the list. */
export const MOST_ROWS = 10_000;
/** Of them for open sessions: the rest is for what ended and what was refused. */
export const MOST_OPEN = 9000;
/** Sessions and handshakes without a row yet of which something was told. */
const MOST_WAITING = 256;

/** The connections that this page knows, the oldest first, at most MOST_ROWS. Those that ended longest ago go first. */
export class Rows {
  /** @type {Row[]} */
  #rows = [];
  /** @type {Map<string, Row>} */
  #byKey = new Map();
  /** @type {Map<string, Row>} */
  #byRequest = new Map();
  /** @type {Map<string, Happening[]>} session or request → what was told of it before its row came */
  #waiting = new Map();
  #sorted = true;
  #open = 0;
  #failures = 0;
  /** @type {ReadonlySet<string> | undefined} pods whose events come; undefined: there are none to tell apart */
  #watched;
  /** Rows so far, those included that are gone. */
  added = 0;

  /** The rows, the oldest first. Call it after a batch of changes: it also drops what is too much. */
  get all() {
    if (!this.#sorted) {
      this.#rows.sort((one, other) => one.at - other.at);
      this.#sorted = true;
    }
    this.#dropOldest();
    return this.#rows;
  }

  /** Rows of open sessions. */
  get open() {
    return this.#open;
  }

  /** @param {string} key */
  get(key) {
    return this.#byKey.get(key);
  }

  /** @param {Handshake} it */
  handshake(it) {
    const key =
      it.session === undefined ? `refusal ${it.pod ?? ""} ${it.requestId ?? ""} ${it.at}` : sessionKey(it.session);
    const row = this.#byKey.get(key);
    if (row !== undefined) addHandshake(row, it);
    else this.#add(rowOfHandshake(key, it));
    const request = requestKey(it);
    if (request !== undefined) this.#bind(request, this.#byKey.get(key));
  }

  /** @param {Closed} it */
  closed(it) {
    const row = this.#byKey.get(sessionKey(it.session));
    if (row === undefined) this.#add(rowOfClosed(sessionKey(it.session), it));
    else {
      if (row.state === "open") this.#open -= 1;
      closeRow(row, it);
    }
  }

  /**
   * A connection that ended before there was a request.
   * @param {ReturnType<typeof readTlsFailed>} it
   */
  tlsFailed(it) {
    const none = { host: undefined, path: undefined, policy: undefined, session: undefined, endpoint: undefined };
    const unknown = { dialMillis: undefined, backendStatus: undefined, millis: undefined, steps: [], past: false };
    this.#failures += 1;
    this.#add(rowOfHandshake(`tls ${this.#failures}`, { ...it, ...none, ...unknown, status: 0, reason: "TlsFailed" }));
  }

  /**
   * Something in the life of a session, or a limit that was hit. Where it names its session it never stands elsewhere: a
   * client may choose the request id of another one. A limit that a handshake hits names its request only.
   * @param {Happening} it
   */
  happened(it) {
    const key = it.session === undefined ? requestKey(it) : sessionKey(it.session);
    if (key === undefined) return;
    const row = it.session === undefined ? this.#byRequest.get(key) : this.#byKey.get(key);
    if (row !== undefined) addEntry(row, it);
    else this.#wait(key, it);
  }

  /**
   * @param {readonly Session[]} sessions a page of them
   * @param {number} now in ms since 1970
   */
  listed(sessions, now) {
    for (const it of sessions) {
      const key = sessionKey(it.session);
      const row = this.#byKey.get(key);
      // A page may be older than the end that the stream has told of.
      if (row?.state === "lost") {
        row.state = "open"; // its pod did not answer for a time
        this.#open += 1;
      }
      if (row?.state === "open") countSession(row, it, now);
      else if (row === undefined && this.#open < MOST_OPEN) this.#add(rowOfSession(key, it, now));
    }
  }

  /**
   * All pages have been read: a session that was on none of them, and began before, has ended unseen.
   * @param {number} begun when the first page was asked for, in ms since 1970
   * @param {ReadonlySet<string>} [silent] pods that did not answer: their sessions may go on
   */
  listedAll(begun, silent) {
    for (const row of this.#rows) {
      if (row.state !== "open" || row.counted >= begun || row.at >= begun) continue;
      if (row.pod !== undefined && silent?.has(row.pod)) {
        silenceRow(row, true);
        continue;
      }
      // The stream tells of an end a moment after the list has lost the session: one more round is waited for.
      if (!row.missed) row.missed = true;
      else {
        loseRow(row, row.pod !== undefined && this.#watched?.has(row.pod) === false);
        this.#open -= 1;
      }
    }
  }

  /**
   * Of the sessions of other pods nothing is known until they are listed again.
   * @param {ReadonlySet<string>} pods
   */
  watched(pods) {
    this.#watched = pods;
    for (const row of this.#rows)
      if (row.state === "open" && row.pod !== undefined) silenceRow(row, !pods.has(row.pod));
  }

  /** @param {Row} row */
  #add(row) {
    const last = this.#rows.at(-1);
    if (last !== undefined && !(row.at >= last.at)) this.#sorted = false;
    if (!Number.isFinite(row.at)) row.at = last?.at ?? 0;
    this.#rows.push(row);
    this.added += 1;
    this.#byKey.set(row.key, row);
    this.#addWaiting(row.key, row);
    if (row.state === "open") this.#open += 1;
    // Between two drawings of the page the list grows by a batch at most; a hidden page draws nothing.
    if (this.#rows.length >= 2 * MOST_ROWS) void this.all;
  }

  /**
   * @param {string} request
   * @param {Row | undefined} row
   */
  #bind(request, row) {
    if (row === undefined) return;
    this.#byRequest.set(request, row);
    this.#addWaiting(request, row);
  }

  /**
   * @param {string} key of a session or a request
   * @param {Row} row
   */
  #addWaiting(key, row) {
    for (const it of this.#waiting.get(key) ?? []) addEntry(row, it);
    this.#waiting.delete(key);
  }

  /**
   * @param {string} key of a session or a request
   * @param {Happening} it
   */
  #wait(key, it) {
    const waiting = this.#waiting.get(key) ?? [];
    if (waiting.length < 8) waiting.push(it);
    this.#waiting.set(key, waiting);
    if (this.#waiting.size <= MOST_WAITING) return;
    const [oldest] = this.#waiting.keys();
    if (oldest !== undefined) this.#waiting.delete(oldest);
  }

  #dropOldest() {
    let openTooMany = this.#open - MOST_OPEN;
    let endedTooMany = this.#rows.length - Math.max(0, openTooMany) - MOST_ROWS;
    if (openTooMany <= 0 && endedTooMany <= 0) return;
    this.#rows = this.#rows.filter((row) => {
      const goes = row.state === "open" ? openTooMany-- > 0 : endedTooMany-- > 0;
      if (goes) this.#forget(row);
      return !goes;
    });
  }

  /** @param {Row} row */
  #forget(row) {
    if (row.state === "open") this.#open -= 1;
    this.#byKey.delete(row.key);
    const request = requestKey(row);
    if (request !== undefined && this.#byRequest.get(request) === row) this.#byRequest.delete(request);
  }
}

/** @param {string} session */
function sessionKey(session) {
  return `session ${session}`;
}

/**
 * A client may choose the id of its request: the same one of two pods, or of two addresses, is two requests.
 * @param {Pick<Happening, "pod" | "address" | "requestId">} it
 */
function requestKey({ pod, address, requestId }) {
  return requestId === undefined ? undefined : `request ${pod ?? ""} ${address ?? ""} ${requestId}`;
}

import { Curve } from "./curve.js";

// One connection of the list: what is known of it so far.

/**
 * @import { BothWays, Closed, Handshake, Happening, Session } from "./events.js"
 * @typedef {"open" | "ended" | "refused" | "lost"} State lost: it ended while this page did not watch
 * @typedef {Happening & { readonly times: number, readonly last: number }} Entry `last`: when it happened last, in ms
 * @typedef {ReturnType<typeof newRow>} Row
 */

/** Entries of one timeline; of others it says how many they are. */
const MOST_ENTRIES = 40;

/** @type {BothWays} */
const NONE = { fromClient: 0, fromBackend: 0 };

/**
 * @param {string} key
 * @param {number} at in ms since 1970
 * @param {State} state
 */
function newRow(key, at, state) {
  return {
    key,
    at,
    state,
    proxy: "",
    pod: /** @type {string | undefined} */ (undefined),
    route: /** @type {string | undefined} */ (undefined),
    client: /** @type {string | undefined} */ (undefined),
    address: /** @type {string | undefined} */ (undefined),
    requestId: /** @type {string | undefined} */ (undefined),
    session: /** @type {string | undefined} */ (undefined),
    subprotocol: /** @type {string | undefined} */ (undefined),
    status: 101,
    reason: "Accepted",
    /** What the stream said of the handshake. Absent: it was over before this page watched. */
    handshake: /** @type {Handshake | undefined} */ (undefined),
    end: /** @type {Closed | undefined} */ (undefined),
    messages: NONE,
    bytes: NONE,
    /** When the two were counted, in ms since 1970. */
    counted: Number.NaN,
    /** A full round of `/sessions` did not have it. */
    missed: false,
    /** Its pod gives no answer, so nothing is known of it for now. */
    silent: false,
    /** It was lost with its pod. */
    podGone: false,
    curve: /** @type {Curve | undefined} */ (undefined),
    timeline: /** @type {Entry[]} */ ([]),
    /** Entries that the timeline has no room for. */
    left: 0,
    /** Grows with each change. */
    version: 0,
    /** The text that a filter looks into, in lower case; undefined: it is made when a filter asks. */
    haystack: /** @type {string | undefined} */ (undefined),
  };
}

/**
 * @param {string} key
 * @param {Handshake} it
 */
export function rowOfHandshake(key, it) {
  const row = newRow(key, it.at, it.session === undefined ? "refused" : "open");
  addHandshake(row, it);
  return row;
}

/**
 * @param {Row} row
 * @param {Handshake} it
 */
export function addHandshake(row, it) {
  // A refusal that the gateway kept has no times: it never replaces what was seen as it happened.
  if (row.handshake !== undefined && it.past) return;
  row.handshake = it;
  identify(row, it);
  row.session = it.session ?? row.session;
  row.status = it.status;
  row.reason = it.reason;
  changed(row);
}

/**
 * @param {string} key
 * @param {Session} it
 * @param {number} now in ms since 1970
 */
export function rowOfSession(key, it, now) {
  const row = newRow(key, it.at, "open");
  countSession(row, it, now);
  return row;
}

/**
 * Takes in what a page of `/sessions` says, and gives the row's curve a point.
 * @param {Row} row
 * @param {Session} it
 * @param {number} now in ms since 1970
 */
export function countSession(row, it, now) {
  identify(row, it);
  row.session = it.session;
  row.subprotocol = it.subprotocol;
  // Its start stands in its handshake too, a little later: the list never moves a row.
  const seconds = (now - row.counted) / 1000;
  const more = both(it.messages) - both(row.messages);
  if (seconds > 0 && more >= 0) {
    // A session that says nothing needs no curve.
    if (more > 0) row.curve ??= new Curve();
    row.curve?.add(more / seconds);
  }
  row.messages = it.messages;
  row.bytes = it.bytes;
  row.counted = now;
  row.missed = false;
  row.silent = false;
  changed(row);
}

/**
 * @param {string} key
 * @param {Closed} it
 */
export function rowOfClosed(key, it) {
  const began = it.at - 1000 * it.duration;
  const row = newRow(key, Number.isFinite(began) ? began : it.at, "ended");
  closeRow(row, it);
  return row;
}

/**
 * @param {Row} row
 * @param {Closed} it
 */
export function closeRow(row, it) {
  identify(row, it);
  row.session = it.session;
  row.state = "ended";
  row.end = it;
  row.messages = it.messages;
  row.bytes = it.bytes;
  changed(row);
}

/**
 * @param {Row} row
 * @param {boolean} podGone with its pod
 */
export function loseRow(row, podGone) {
  row.state = "lost";
  row.podGone = podGone;
  changed(row);
}

/**
 * @param {Row} row
 * @param {boolean} silent
 */
export function silenceRow(row, silent) {
  if (row.silent === silent) return;
  row.silent = silent;
  changed(row);
}

/**
 * Adds an entry to the timeline. The same thing several times in a row is one entry.
 * @param {Row} row
 * @param {Happening} it
 */
export function addEntry(row, it) {
  const same = row.timeline.findLastIndex((one) => sameThing(one, it));
  const last = row.timeline[same];
  // Ping and pong take turns: both are one entry each.
  if (last !== undefined && same >= row.timeline.length - 2) {
    row.timeline[same] = { ...last, times: last.times + 1, last: it.at };
  } else if (row.timeline.length < MOST_ENTRIES) row.timeline.push({ ...it, times: 1, last: it.at });
  else row.left += 1;
  changed(row);
}

/**
 * Messages or bytes in both directions together.
 * @param {BothWays} counts
 */
export function both({ fromClient, fromBackend }) {
  return fromClient + fromBackend;
}

/**
 * @param {Entry} one
 * @param {Happening} other
 */
function sameThing(one, other) {
  return (
    one.what === other.what &&
    one.direction === other.direction &&
    one.reason === other.reason &&
    one.code === other.code &&
    one.policy === other.policy &&
    one.per === other.per &&
    one.action === other.action
  );
}

/**
 * @param {Row} row
 * @param {Pick<Row, "proxy" | "pod" | "route" | "client" | "address"> & { readonly requestId?: string | undefined }} it
 */
function identify(row, it) {
  row.proxy = it.proxy === "" ? row.proxy : it.proxy;
  row.pod = it.pod ?? row.pod;
  row.route = it.route ?? row.route;
  row.client = it.client ?? row.client;
  row.address = it.address ?? row.address;
  row.requestId = it.requestId ?? row.requestId;
  row.haystack = undefined;
}

/** @param {Row} row */
function changed(row) {
  row.version += 1;
  row.haystack = undefined;
}

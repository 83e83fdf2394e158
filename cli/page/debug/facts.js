import * as format from "./format.js";

/** @import { Row } from "./row.js" */

/**
 * A fact about a connection. `field`: the filter can ask for it.
 * @typedef {{ readonly name: string, readonly value: string, readonly field?: string, readonly code?: boolean }} Fact
 */

/**
 * What is known of a connection, in the order in which a person asks.
 * @param {Row} row
 * @param {number} now in ms since 1970
 * @returns {Fact[]}
 */
export function factsOf(row, now) {
  const it = row.handshake;
  /** @type {(Fact | undefined)[]} */
  const facts = [
    fact("Client", row.client, "client"),
    fact("Address", row.address, "address"),
    fact("Proxy", row.proxy, "proxy"),
    fact("Pod", row.pod, "pod"),
    fact("Route", row.route, "route"),
    fact("Host", it?.host, undefined, true),
    fact("Path", it?.path, "path", true),
    fact("Began", beganOf(row, now)),
    fact("Handshake", it?.millis === undefined ? undefined : format.stepTime(1000 * it.millis)),
    fact("Backend", it?.endpoint, undefined, true),
    fact("Dial", dialOf(row)),
    fact("Subprotocol", row.subprotocol, undefined, true),
    row.state === "refused" ? undefined : fact("Messages", ways(row.messages, format.count)),
    row.state === "refused" ? undefined : fact("Bytes", ways(row.bytes, format.bytes)),
    fact("Session", row.session, "session", true),
    fact("Request", row.requestId, "request", true),
  ];
  return facts.filter((one) => one !== undefined);
}

/**
 * @param {string} name
 * @param {string | undefined} value
 * @param {string} [field]
 * @param {boolean} [code]
 * @returns {Fact | undefined}
 */
function fact(name, value, field, code = false) {
  if (value === undefined || value === "") return undefined;
  return field === undefined ? { name, value, code } : { name, value, field, code };
}

/**
 * @param {Row} row
 * @param {number} now
 */
function beganOf({ at }, now) {
  const days =
    new Date(at).toDateString() === new Date(now).toDateString() ? "" : `${new Date(at).toLocaleDateString()} `;
  return `${days}${format.preciseTime(at)}`;
}

/** @param {Row} row */
function dialOf({ handshake }) {
  const parts = [
    handshake?.dialMillis === undefined ? undefined : format.stepTime(1000 * handshake.dialMillis),
    handshake?.backendStatus === undefined ? undefined : `answered ${handshake.backendStatus}`,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

/**
 * @param {{ readonly fromClient: number, readonly fromBackend: number }} counts
 * @param {(value: number) => string} words
 */
function ways({ fromClient, fromBackend }, words) {
  return `${words(fromClient)} from the client, ${words(fromBackend)} from the backend`;
}

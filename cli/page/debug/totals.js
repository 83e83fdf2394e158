// The numbers of the head line, over all proxies and pods.

/**
 * Counts at one moment, since the start of the process.
 * @typedef {object} Counts
 * @property {number} at in ms
 * @property {number} open sessions
 * @property {number | undefined} buffered bytes; undefined: it is not known
 * @property {number} accepted handshakes
 * @property {number} refused handshakes
 * @property {ReadonlyMap<string, number>} reasons of refusals
 * @property {number} messages
 * @property {number} bytes
 */

/**
 * What happens in a second.
 * @typedef {object} Rates
 * @property {number} accepted
 * @property {number} refused
 * @property {readonly (readonly [reason: string, rate: number])[]} reasons the most frequent first
 * @property {number} messages
 * @property {number} bytes
 */

const SAMPLE = /^(wsproxy_[a-z_]+)(?:\{([^}]*)\})? (\S+)/;

/**
 * The counts in an answer of `/metrics`; undefined: it has none of a gateway.
 * @param {string} text in the exposition format of Prometheus
 * @param {number} at in ms
 * @returns {Counts | undefined}
 */
export function countsIn(text, at) {
  const sums = { open: 0, buffered: 0, accepted: 0, refused: 0, messages: 0, bytes: 0 };
  /** @type {Map<string, number>} */
  const reasons = new Map();
  let found = false;
  for (const line of text.split("\n")) {
    if (!line.startsWith("wsproxy_")) continue;
    const [, name = "", labels = "", number = ""] = SAMPLE.exec(line) ?? [];
    const value = Number(number);
    if (!Number.isFinite(value)) continue;
    if (name === "wsproxy_connections") sums.open += value;
    else if (name === "wsproxy_buffered_bytes") sums.buffered += value;
    else if (name === "wsproxy_messages_total") sums.messages += value;
    else if (name === "wsproxy_bytes_total") sums.bytes += value;
    else if (name === "wsproxy_handshakes_total") {
      if (labelIn(labels, "status") === "101") sums.accepted += value;
      else {
        sums.refused += value;
        const reason = labelIn(labels, "reason");
        if (reasons.size < 64) reasons.set(reason, (reasons.get(reason) ?? 0) + value);
      }
    } else continue;
    found = true;
  }
  return found ? { at, ...sums, reasons } : undefined;
}

/**
 * @param {string} labels
 * @param {string} name
 */
function labelIn(labels, name) {
  return new RegExp(`(?:^|,)${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
}

/**
 * What happened in a second between two moments. A count that fell began anew, with its process.
 * @param {Counts} before
 * @param {Counts} now
 * @returns {Rates | undefined} undefined: no time has passed
 */
export function ratesBetween(before, now) {
  const seconds = (now.at - before.at) / 1000;
  if (!(seconds > 0)) return undefined;
  /** @type {(one: number, other: number) => number} */
  const rate = (one, other) => Math.max(0, other - one) / seconds;
  const reasons = [...now.reasons]
    .map(([reason, count]) => /** @type {const} */ ([reason, rate(before.reasons.get(reason) ?? 0, count)]))
    .filter(([, perSecond]) => perSecond > 0)
    .sort(([, one], [, other]) => other - one);
  return {
    accepted: rate(before.accepted, now.accepted),
    refused: rate(before.refused, now.refused),
    reasons,
    messages: rate(before.messages, now.messages),
    bytes: rate(before.bytes, now.bytes),
  };
}

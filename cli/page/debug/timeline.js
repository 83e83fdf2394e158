/** @import { Row, Entry } from "./row.js" */

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  limit: "limit hit",
  paused: "paused",
  resumed: "resumed",
  ping: "ping to the client",
  pong: "pong of the client",
  credentialChecked: "credential checked",
  closeSent: "Close frame sent",
  closeReceived: "Close frame received",
};

/** @type {Readonly<Record<string, string>>} */
const DIRECTIONS = { fromClient: "client → backend", fromBackend: "backend → client" };

/**
 * @typedef {object} Line
 * @property {number} at in ms since 1970
 * @property {string} what
 * @property {string} detail
 * @property {"plain" | "warn" | "bad" | "good"} kind
 * @property {number} times
 */

/**
 * The life of a session, line by line, from its 101 to its end.
 * @param {Row} row
 * @returns {Line[]}
 */
export function timelineOf(row) {
  const lines = row.timeline.map(lineOf);
  if (row.left > 0) lines.push({ at: Number.NaN, what: `${row.left} more`, detail: "", kind: "plain", times: 1 });
  if (row.status === 101) lines.push({ at: row.at, what: "101, session open", detail: "", kind: "good", times: 1 });
  if (row.end !== undefined) {
    const { at, code, reason, by, cause } = row.end;
    const kind = by === "gateway" ? "bad" : "plain";
    lines.push({
      at,
      what: `closed by the ${by}`,
      detail: [code, reason, cause].filter(Boolean).join(" · "),
      kind,
      times: 1,
    });
  } else if (row.state === "lost") {
    const detail = row.podGone ? "its pod is gone" : "this page was not watching then";
    lines.push({ at: Number.NaN, what: "ended", detail, kind: "plain", times: 1 });
  }
  const last = Number.POSITIVE_INFINITY;
  return lines.sort(
    (one, other) => (Number.isNaN(one.at) ? last : one.at) - (Number.isNaN(other.at) ? last : other.at) || 0,
  );
}

/**
 * @param {Entry} it
 * @returns {Line}
 */
function lineOf(it) {
  const direction = it.direction === undefined ? undefined : (DIRECTIONS[it.direction] ?? it.direction);
  const limit = it.policy === undefined ? undefined : [it.policy, it.per && `per ${it.per}`].filter(Boolean).join(" ");
  const action = it.action === undefined ? undefined : `${it.action}${it.shadow ? " (Shadow: only counted)" : ""}`;
  const detail = [limit, action, direction, it.code === undefined ? undefined : String(it.code), it.reason];
  return {
    at: it.at,
    what: Object.hasOwn(WORDS, it.what) ? (WORDS[it.what] ?? "") : it.what,
    detail: detail.filter((part) => part !== undefined && part !== "").join(" · "),
    kind: it.what === "limit" || it.what === "paused" ? "warn" : "plain",
    times: it.times,
  };
}

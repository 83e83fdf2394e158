// Which rows of the list are shown.

/**
 * @import { Row } from "./row.js"
 * @typedef {"all" | "open" | "ended" | "refused"} Outcome
 * @typedef {{ readonly field: string, readonly value: string }} Term an empty field: any of them
 */

/** Characters and terms of a filter. */
export const FILTER = { longest: 512, terms: 16 };

/** @type {Readonly<Record<string, (row: Row) => readonly (string | number | undefined)[]>>} */
const FIELDS = {
  client: (row) => [row.client],
  address: (row) => [row.address],
  route: (row) => [row.route],
  proxy: (row) => [row.proxy],
  pod: (row) => [row.pod],
  status: (row) => [row.status],
  code: (row) => [row.end?.code],
  reason: (row) => [row.state === "refused" ? row.reason : row.end?.reason],
  by: (row) => [row.end?.by],
  path: (row) => [row.handshake?.path],
  session: (row) => [row.session],
  request: (row) => [row.requestId],
};

/** Of a number the beginning is compared: `status:4` are all from 400 to 499. */
const NUMBERS = new Set(["status", "code"]);

/** The names of fields, for a hint. */
export const FILTER_FIELDS = Object.keys(FIELDS);

/**
 * The terms of a filter such as `client:alice reason:"a b" 192.0.2`. What stands before a colon and is no field is part of
 * the text, as in an address of IPv6.
 * @param {string} text
 * @returns {Term[]}
 */
export function filterTerms(text) {
  const words = text.slice(0, FILTER.longest).match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? [];
  return words.slice(0, FILTER.terms).flatMap((word) => {
    const colon = word.indexOf(":");
    const name = word.slice(0, Math.max(0, colon)).toLowerCase();
    const field = Object.hasOwn(FIELDS, name) ? name : "";
    const value = (field === "" ? word : word.slice(colon + 1)).replaceAll('"', "").toLowerCase();
    return value === "" ? [] : [{ field, value }];
  });
}

/**
 * @param {Row} row
 * @param {Outcome} outcome
 * @param {readonly Term[]} terms all of them must fit
 */
export function passes(row, outcome, terms) {
  if (outcome !== "all" && (row.state === "lost" ? "ended" : row.state) !== outcome) return false;
  return terms.every((term) => fits(row, term));
}

/**
 * @param {Row} row
 * @param {Term} term
 */
function fits(row, { field, value }) {
  if (field === "") {
    row.haystack ??= Object.values(FIELDS)
      .flatMap((read) => read(row))
      .join("\n")
      .toLowerCase();
    return row.haystack.includes(value);
  }
  const values = FIELDS[field]?.(row) ?? [];
  return values.some((one) => {
    const text = String(one ?? "").toLowerCase();
    return NUMBERS.has(field) ? text.startsWith(value) : text.includes(value);
  });
}

/**
 * The filter text with one more term, in place of another one for that field.
 * @param {string} text
 * @param {string} field
 * @param {string | number} value
 */
export function withTerm(text, field, value) {
  const plain = String(value).replaceAll('"', "");
  const term = /\s/.test(plain) ? `${field}:"${plain}"` : `${field}:${plain}`;
  const others = (text.match(/(?:[^\s"]+|"[^"]*"?)+/g) ?? []).filter(
    (word) => !word.toLowerCase().startsWith(`${field}:`),
  );
  return [...others, term].join(" ").slice(0, FILTER.longest);
}

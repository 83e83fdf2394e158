import { make, prose, quote } from "./dom.js";
import { preciseTime } from "./format.js";
import { endMeaning, meaningOf } from "./reasons.js";
import { timelineOf } from "./timeline.js";
import { traceLine, traceSummary } from "./trace.js";

/** @import { Row } from "./row.js" */

/**
 * The policy trace as a list in the chain's order.
 * @param {Row} row
 */
export function traceSection({ handshake }) {
  const section = make("section", "trace", make("h3", "", "Policy trace"));
  if (handshake === undefined || handshake.steps.length === 0) {
    const why =
      handshake === undefined
        ? "This session opened before the page watched, so its handshake was not recorded."
        : "The gateway told no steps of this handshake.";
    section.append(make("p", "note", why));
    return section;
  }
  const lines = handshake.steps.map(traceLine);
  const slowest = Math.max(1, ...lines.map(({ micros }) => micros));
  const list = make("ol", "");
  for (const line of lines) {
    const bar = make("span", "bar");
    bar.style.width = `${((100 * line.micros) / slowest).toFixed(1)}%`;
    const mark = make("span", "mark", line.mark);
    mark.setAttribute("aria-hidden", "true");
    const name = make("span", "name", quote(line.name));
    if (line.about !== "") name.append(make("span", "about", line.about));
    const verdict = make("span", "verdict", quote(line.verdict));
    if (line.reason !== "") verdict.append(" ", quote(line.reason, "reason"));
    const item = make(
      "li",
      "",
      mark,
      name,
      verdict,
      make("span", "took", line.kind === "skipped" ? "skipped" : line.time),
      bar,
    );
    item.dataset["verdict"] = line.kind;
    list.append(item);
  }
  section.append(make("p", "note", traceSummary(handshake)), list);
  return section;
}

/**
 * The session's life from its 101 to its end.
 * @param {Row} row
 */
export function timelineSection(row) {
  const list = make("ol", "");
  for (const line of timelineOf(row)) {
    const what = make("span", "what", quote(line.what));
    if (line.times > 1) what.append(make("span", "times", ` ×${line.times}`));
    const time = make("time", "", preciseTime(line.at));
    const item = make("li", "", time, what, quote(line.detail, "detail"));
    item.dataset["kind"] = line.kind;
    list.append(item);
  }
  return make("section", "timeline", make("h3", "", "Timeline"), list);
}

/**
 * Why the handshake was refused, or the session ended, and what to do; undefined: there is nothing to explain.
 * @param {Row} row
 */
export function whySection({ state, reason, handshake, end }) {
  const meaning = state === "refused" ? meaningOf(reason) : end === undefined ? "" : endMeaning(end);
  const cause = end?.cause ?? handshake?.cause;
  if (meaning === "" && cause === undefined) return undefined;
  const why = make("section", "why");
  if (meaning !== "") why.append(prose(meaning));
  if (cause !== undefined) why.append(make("p", "cause", "Cause: ", quote(cause)));
  return why;
}

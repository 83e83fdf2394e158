import { stepTime } from "./format.js";

/** @import { Handshake, Step } from "./events.js" */

/** What each step of the chain looks at. @type {Readonly<Record<string, string>>} */
const STEPS = {
  handshake: "the form of the request",
  route: "a route for host and path",
  capacity: "room in this pod",
  deny: "deny lists",
  origins: "the page's origin",
  attempts: "handshakes per time",
  authentication: "the credential",
  connections: "open sessions",
  forwarding: "what the backend gets",
  compression: "the extension offer",
  store: "counts over all pods",
  backend: "endpoint, dial, its answer",
  answer: "the answer to the client",
};

/** @type {Readonly<Record<string, string>>} */
const MARKS = { passed: "✓", refused: "✕", skipped: "–", shadow: "◐" };

/** @type {Readonly<Record<string, string>>} */
const VERDICTS = {
  passed: "passed",
  refused: "refused",
  skipped: "skipped: an earlier step decided",
  shadow: "would have refused (Shadow)",
};

/**
 * One line of the policy trace.
 * @param {Step} step
 */
export function traceLine(step) {
  const known = Object.hasOwn(MARKS, step.verdict);
  return {
    name: step.name,
    about: Object.hasOwn(STEPS, step.name) ? (STEPS[step.name] ?? "") : "",
    kind: known ? step.verdict : "other",
    mark: (known ? MARKS[step.verdict] : "•") ?? "•",
    verdict: (known ? VERDICTS[step.verdict] : step.verdict) ?? "",
    reason: step.reason ?? "",
    time: step.micros === undefined ? "" : stepTime(step.micros),
    micros: step.micros ?? 0,
  };
}

/**
 * One sentence before the trace.
 * @param {Handshake} handshake
 */
export function traceSummary({ steps, session, past }) {
  const refused = steps.find(({ verdict }) => verdict === "refused");
  const shadows = steps.filter(({ verdict }) => verdict === "shadow").length;
  const times = past ? " It was not watched, so its steps have no times." : "";
  if (refused !== undefined) return `Refused at ${refused.name}.${times}`;
  const would = shadows === 0 ? "" : ` ${shadows} would have refused, but only counts (Shadow).`;
  return session === undefined ? `Refused.${times}` : `All steps passed.${would}`;
}

/** Close code → its meaning for people (RFC 6455 §7.4.1 and the IANA registry). */
const CODES = {
  1000: "A normal end.",
  1001: "The other end goes away, or the route was removed.",
  1002: "A frame broke the WebSocket protocol.",
  1005: "A Close without a code.",
  1006: "The connection ended without a Close frame.",
  1007: "A text message was not valid UTF-8.",
  1008: "A limit of the gateway was hit, or a rule of the backend broken.",
  1009: "A message was larger than allowed.",
  1011: "The backend had a fault.",
  1012: "The gateway is restarting: connect again.",
  1013: "The backend was lost, or cannot serve now: try again later.",
  3000: "The credential is no longer good.",
  3003: "This client may not be here any longer.",
  3008: "A time limit was reached.",
};

/** The end of a session: its code and reason, and what they mean. */
export function ending({ code, reason }) {
  const seconds = /; retry-after=(\d+)$/.exec(reason)?.[1];
  const wait = seconds === undefined ? "" : ` Try again in ${seconds} s.`;
  return {
    outcome: `Closed: ${code} ${reason}`.trimEnd(),
    meaning: `${CODES[code] ?? "A code of the application's own."}${wait}`,
  };
}

/** A refused handshake, from the answer that the sample backend got when it repeated it. */
export function refusal(finding) {
  if (finding.problem !== undefined) {
    return {
      outcome: "No connection",
      meaning: `The sample backend asked the gateway and got no answer: ${finding.problem}.`,
    };
  }
  const { status, reason = "", detail, retryAfter } = finding;
  if (status === 101) {
    return {
      outcome: "No connection",
      meaning:
        "The sample backend tried the same and was let in: it was a passing condition, or something stands between this browser and the gateway.",
    };
  }
  const wait = retryAfter === undefined ? "" : ` Try again in ${retryAfter} s.`;
  return {
    outcome: `Refused: ${status} ${reason}`.trimEnd(),
    meaning: `${detail ?? "The backend answered the handshake with this status"}.${wait}`,
  };
}

/** A failed connection to a gateway that the sample backend does not know. */
export function hidden(gateway) {
  return {
    outcome: "No connection",
    meaning: `The handshake was refused, or nothing answers at this URL. Browsers do not tell scripts which; for ${gateway} the sample backend could look it up.`,
  };
}

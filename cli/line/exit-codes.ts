/** What wsproxy ends with; the numbers are those of sysexits.h, and `bin/wsproxy` ends with 69 where there is no Node. */
export const EXIT = {
  ok: 0,
  /** What was asked for is not so: a manifest is not accepted, nothing can be served, a peer refused. */
  negative: 1,
  /** Wrong usage; nothing was opened. */
  usage: 64,
  /** Something that is needed is not there: a port, a Node. */
  unavailable: 69,
  /** A fault of wsproxy itself. */
  fault: 70,
} as const;

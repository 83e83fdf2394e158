/** Exit codes of wsproxy, as in sysexits.h. `bin/wsproxy` itself exits with 69 where it finds no Node. */
export const EXIT = {
  ok: 0,
  /** The answer is no: a manifest is not accepted, there is nothing to serve, or a peer refused. */
  negative: 1,
  /** Wrong usage; nothing was opened. */
  usage: 64,
  /** Something that wsproxy needs is missing: a port, a cluster, a Node. */
  unavailable: 69,
  /** A fault of wsproxy itself. */
  fault: 70,
  /** A right or the right token is missing. */
  noPermission: 77,
} as const;

import type { PolicyKind } from "../api/policies/index.ts";

/**
 * Every way in which the gateway says no, in one table: the only place that knows which HTTP status, which close code
 * and which words belong to a reason, and whether it means a lost permission. A test compares
 * `docs/reference/reasons.md` with it.
 */

interface Row {
  /** HTTP status before the 101; absent where the reason only ends sessions. */
  readonly status?: number;
  /** Close code after the 101 (RFC 6455 §7.4); absent where the reason only refuses handshakes. */
  readonly code?: number;
  /** A permission went away: the session ends because of it, and counts as such. */
  readonly permission?: true;
  readonly title: string;
}

export const REJECTIONS = {
  BadHandshake: { status: 400, title: "The request is not a valid WebSocket handshake" },
  AmbiguousTarget: { status: 400, title: "The request target or Host can be read in more than one way" },
  AmbiguousCredential: { status: 400, title: "More than one credential was offered for one method" },
  CredentialMissing: { status: 401, title: "A credential is required" },
  CredentialInvalid: { status: 401, title: "The credential is not valid" },
  CredentialExpired: { status: 401, code: 3000, permission: true, title: "The credential has expired" },
  CredentialRevoked: { status: 401, code: 3000, permission: true, title: "The credential was revoked" },
  OriginForbidden: { status: 403, title: "The origin is not allowed" },
  ScopeMissing: { status: 403, code: 3003, permission: true, title: "The token lacks a required scope" },
  ClaimMismatch: {
    status: 403,
    code: 3003,
    permission: true,
    title: "A claim of the token does not have a required value",
  },
  Denied: { status: 403, code: 3003, permission: true, title: "The client is on a deny list" },
  RouteNotFound: { status: 404, title: "No route serves this host and path" },
  MethodNotAllowed: { status: 405, title: "A WebSocket handshake is a GET request" },
  HandshakeTimeout: { status: 408, title: "The request head did not arrive in time" },
  TargetTooLong: { status: 414, title: "The request target is too long" },
  HeadersTooLarge: { status: 431, title: "The request head is too large" },
  UpgradeRequired: { status: 426, title: "This endpoint speaks WebSocket only" },
  VersionUnsupported: { status: 426, title: "Only WebSocket version 13 is supported" },
  AttemptLimit: { status: 429, title: "Too many handshakes" },
  ConnectionLimit: { status: 429, title: "Too many open connections" },
  Overloaded: { status: 503, title: "The gateway has no room for another session" },
  Draining: { status: 503, code: 1012, title: "The gateway is shutting down" },
  NoEndpoints: { status: 503, title: "No endpoint of the backend is ready" },
  IdentityProviderUnavailable: { status: 503, title: "The credential could not be verified now" },
  BackendUnreachable: { status: 502, title: "The backend could not be reached" },
  BackendBadHandshake: { status: 502, title: "The backend did not answer the handshake correctly" },
  BackendTimeout: { status: 504, title: "The backend did not answer in time" },
  RouteRemoved: { code: 1001, title: "The route was removed" },
  ProtocolError: { code: 1002, title: "A frame broke the WebSocket protocol" },
  MessageRate: { code: 1008, title: "Too many messages" },
  ByteRate: { code: 1008, title: "Too many bytes" },
  TooManyFragments: { code: 1008, title: "A message had too many fragments" },
  PingFlood: { code: 1008, title: "Too many control frames" },
  SlowConsumer: { code: 1008, title: "The receiver took too little for too long" },
  MessageTooBig: { code: 1009, title: "A message was larger than allowed" },
  BackendLost: { code: 1013, title: "The backend's connection ended without a Close frame" },
  IdleTimeout: { code: 3008, title: "No message for too long" },
  LifetimeEnded: { code: 3008, title: "The session reached its lifetime" },
  KeepaliveTimeout: { code: 3008, title: "A ping was not answered in time" },
} as const satisfies Record<string, Row>;

type Table = typeof REJECTIONS;

const ROWS: readonly (readonly [string, Row])[] = Object.entries(REJECTIONS);

/** Reasons that mean a lost permission. */
const PERMISSION_REASONS: ReadonlySet<string> = new Set(
  ROWS.flatMap(([reason, row]) => (row.permission ? [reason] : [])),
);

/** Close codes of the gateway's own. */
export const CLOSE_CODES: ReadonlySet<number> = new Set(ROWS.flatMap(([, { code }]) => code ?? []));

/** Any reason of the table. */
export type Reason = keyof Table;

/** Reasons that refuse a handshake with an HTTP status. */
export type RefusalReason = { [R in Reason]: Table[R] extends { status: number } ? R : never }[Reason];

/** Reasons that end a live session with a close code. */
export type CloseReason = { [R in Reason]: Table[R] extends { code: number } ? R : never }[Reason];

/** Why a handshake is refused. `retryAfter` in seconds; `shared`: the limit is not the client's own, so 503 instead of 429. */
export interface Refusal {
  readonly reason: RefusalReason;
  readonly retryAfter?: number;
  readonly shared?: boolean;
  /** For the log only; never sent. */
  readonly cause?: string;
  /** The policy that decided; for the log only. Absent: the gateway's own rules. */
  readonly policy?: PolicyKind;
}

/** Why the gateway ends a session. `retryAfter` in seconds, told in the reason text of the Close frame. */
export interface Termination {
  readonly reason: CloseReason;
  readonly retryAfter?: number;
  /** For the log only; never sent. */
  readonly cause?: string;
  /** The policy that decided; for the log only. Absent: the gateway's own rules. */
  readonly policy?: PolicyKind;
}

/** Does this reason mean that the client lost its permission? */
export function isPermissionLost(reason: Reason): boolean {
  return PERMISSION_REASONS.has(reason);
}

/** Before the 101: the refusal of a handshake for the reason that would end its session. */
export function refusalOf({ reason, ...more }: Termination): Refusal {
  // A reason without a status is not about a permission; the permission is gone all the same.
  return { reason: isRefusalReason(reason) ? reason : "CredentialRevoked", ...more };
}

function isRefusalReason(reason: Reason): reason is RefusalReason {
  return "status" in REJECTIONS[reason];
}

/** Ends by a termination. */
export interface Terminable {
  /** Only the first call counts. */
  close(termination: Termination): void;
}

/** HTTP status of a refusal: a limit that all clients share answers 503, one of the client's own 429. */
export function statusOf(refusal: Refusal): number {
  return refusal.shared === true ? 503 : REJECTIONS[refusal.reason].status;
}

/** Close code of a termination (RFC 6455 §7.4.2; 3000 and up from the IANA registry). */
export function codeOf(reason: CloseReason): number {
  return REJECTIONS[reason].code;
}

/** Reason text of the gateway's own Close frames: `<Reason>` or `<Reason>; retry-after=<seconds>`. */
export function closeText(termination: Termination): string {
  return termination.retryAfter === undefined
    ? termination.reason
    : `${termination.reason}; retry-after=${termination.retryAfter}`;
}

/** Tells the two outcomes of a step apart. */
export function isRefusal(outcome: object): outcome is Refusal {
  return "reason" in outcome;
}

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
  /** One sentence for the developer of the client: what happened, and what to do where a sentence can say it. */
  readonly detail: string;
}

export const REJECTIONS = {
  BadHandshake: { status: 400, detail: "The request is not a valid WebSocket handshake (RFC 6455 section 4.2.1)" },
  AmbiguousTarget: {
    status: 400,
    detail: "Two servers could read the request target or the Host field in different ways",
  },
  AmbiguousCredential: {
    status: 400,
    detail: "The request has more than one credential for one method; send one, in one place",
  },
  CredentialMissing: { status: 401, detail: "A credential is required" },
  CredentialInvalid: { status: 401, detail: "The credential is not valid; connect with another one" },
  CredentialExpired: {
    status: 401,
    code: 3000,
    permission: true,
    detail: "The credential has expired; connect with a new one",
  },
  CredentialRevoked: {
    status: 401,
    code: 3000,
    permission: true,
    detail: "The credential was revoked; connect with another one",
  },
  OriginForbidden: { status: 403, detail: "The Origin header is missing, or its origin is not allowed" },
  ScopeMissing: { status: 403, code: 3003, permission: true, detail: "The token lacks a scope that this route needs" },
  ClaimMismatch: {
    status: 403,
    code: 3003,
    permission: true,
    detail: "A claim of the token does not have a value that this route needs",
  },
  Denied: { status: 403, code: 3003, permission: true, detail: "This client is on a deny list" },
  RouteNotFound: { status: 404, detail: "No route serves this host and path" },
  MethodNotAllowed: { status: 405, detail: "A WebSocket handshake is a GET request; use GET" },
  HandshakeTimeout: { status: 408, detail: "The request head was not complete in time" },
  TargetTooLong: { status: 414, detail: "The request target is longer than 8 KiB" },
  HeadersTooLarge: {
    status: 431,
    detail: "The request head has more than 128 header fields, or more than 16 KiB of them",
  },
  UpgradeRequired: { status: 426, detail: "This URL serves WebSocket only; connect with a WebSocket client" },
  VersionUnsupported: { status: 426, detail: "The gateway speaks WebSocket version 13 only" },
  AttemptLimit: { status: 429, detail: "Too many handshakes came in a short time; try again after Retry-After" },
  ConnectionLimit: { status: 429, detail: "Too many sessions are open; close one, or try again after Retry-After" },
  Overloaded: { status: 503, detail: "The gateway has no room for another session now; try again after Retry-After" },
  Draining: { status: 503, code: 1012, detail: "The gateway is stopping; connect again" },
  NoEndpoints: { status: 503, detail: "The backend has no endpoint that is ready; try again after Retry-After" },
  IdentityProviderUnavailable: {
    status: 503,
    detail: "The gateway cannot verify the credential now; try again after Retry-After",
  },
  StoreUnavailable: {
    status: 503,
    detail: "The gateway cannot count this client now; try again after Retry-After",
  },
  BackendUnreachable: { status: 502, detail: "The gateway could not connect to the backend" },
  BackendBadHandshake: { status: 502, detail: "The backend did not answer the handshake as RFC 6455 demands" },
  BackendTimeout: { status: 504, detail: "The backend did not answer in time" },
  RouteRemoved: { code: 1001, detail: "The route was removed" },
  ProtocolError: { code: 1002, detail: "A frame broke the WebSocket protocol (RFC 6455)" },
  MessageRate: { code: 1008, detail: "The session carried more messages than its limit" },
  ByteRate: { code: 1008, detail: "The session carried more bytes than its limit" },
  TooManyFragments: { code: 1008, detail: "A message had more fragments than its limit" },
  PingFlood: { code: 1008, detail: "The session carried too many control frames" },
  SlowConsumer: { code: 1008, detail: "The receiver took its messages too slowly" },
  EndedByOperator: { code: 1008, detail: "An operator of the gateway ended the session" },
  MessageTooBig: { code: 1009, detail: "A message was larger than its limit" },
  BackendLost: { code: 1013, detail: "The backend's connection ended without a Close frame; connect again" },
  IdleTimeout: { code: 3008, detail: "No message came for longer than the idle time limit" },
  LifetimeEnded: { code: 3008, detail: "The session reached its longest lifetime; connect again" },
  KeepaliveTimeout: { code: 3008, detail: "The client gave no sign of life after a ping" },
} as const satisfies Record<string, Row>;

type Table = typeof REJECTIONS;

const ROWS: readonly (readonly [string, Row])[] = Object.entries(REJECTIONS);

/** Reasons that mean a lost permission. */
export const PERMISSION_REASONS: ReadonlySet<string> = new Set(
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
  /** More words for the reason text of the Close frame: it must fit there behind the reason. */
  readonly text?: string;
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

/** Reason text of the gateway's own Close frames: `<Reason>`, `<Reason>; retry-after=<seconds>` or `<Reason>; <text>`. */
export function closeText({ reason, retryAfter, text }: Termination): string {
  const more = retryAfter === undefined ? text : `retry-after=${retryAfter}`;
  return more === undefined ? reason : `${reason}; ${more}`;
}

/** Tells the two outcomes of a step apart. */
export function isRefusal(outcome: object): outcome is Refusal {
  return "reason" in outcome;
}

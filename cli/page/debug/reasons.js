// What a reason means for the person who looks, and what to do about it. `reasons.test.ts` holds the names against the gateway's.

/** @type {Readonly<Record<string, string>>} */
export const REASONS = {
  BadHandshake:
    "The request is no valid WebSocket handshake. The cause below names the header; a proxy in front of the gateway often drops Upgrade or Connection.",
  AmbiguousTarget:
    "Two servers could read the path or the Host in different ways: dot segments, //, encoded separators. Let the client send the plain path.",
  AmbiguousCredential: "The client sends more than one credential for one method. Let it send one, in one place.",
  CredentialMissing:
    "The route asks for a credential, and the client sent none where it is looked for. Compare `from` of the route's authentication with what the client sends.",
  CredentialInvalid:
    "The credential is unknown, badly signed, or made for another audience. Check that the client has a current key or token of this issuer.",
  CredentialExpired: "The key or token has expired. Give the client a new one.",
  CredentialRevoked: "The key was removed or disabled, or the token was revoked. Give the client another one.",
  OriginForbidden:
    "The page's origin is not on the list of the route. Add it to `origins.allow`, with its scheme and port, if the page is yours.",
  ScopeMissing: "The token lacks a scope of `requiredScopes`. Ask the issuer for a token that has it.",
  ClaimMismatch: "A claim of the token has none of the values in `requiredClaims`.",
  Denied: "This client, token or address is on a deny list (`deny`). Remove it there to let it in again.",
  RouteNotFound:
    "No route serves this host and path. Compare both with `hostnames` and `path` of the routes; case counts.",
  MethodNotAllowed: "A WebSocket handshake is a GET request. The client, or a proxy before it, uses another method.",
  HandshakeTimeout:
    "The request head was not complete within `timeouts.handshake`. The client is slow, or opens connections without using them.",
  TargetTooLong: "The path with its query is longer than 8 KiB.",
  HeadersTooLarge: "The request has more than 128 header fields, or more than 16 KiB of them; often cookies.",
  UpgradeRequired:
    "A plain HTTP request came to a WebSocket URL: a health check, a browser's address bar, or a proxy that drops Upgrade.",
  VersionUnsupported: "The client speaks an old draft of WebSocket; the gateway speaks version 13.",
  AttemptLimit:
    "Too many handshakes in a short time (`attempts`). The client should wait for Retry-After, and wait longer each time.",
  ConnectionLimit: "Too many sessions are open at the same time (`connections`). Close some, or raise the limit.",
  Overloaded:
    "This pod has no room for another session: `dataplane.maxConnections`, file descriptors or memory. Add pods.",
  Draining: "The gateway is stopping, as in a rollout. Clients connect again and find another pod.",
  NoEndpoints: "The backend's Service has no endpoint that is ready. Look at the pods behind it.",
  IdentityProviderUnavailable: "The identity provider does not answer, so the credential cannot be verified.",
  StoreUnavailable: "The store that counts over all pods does not answer, and the proxy refuses while it cannot count.",
  BackendUnreachable:
    "The gateway could not connect to the backend. Check its port, and whether it listens on all addresses.",
  BackendBadHandshake: "The backend did not answer with a valid 101. The cause below names what was wrong.",
  BackendTimeout: "The backend did not answer within `timeouts.backendConnect`.",
  BackendRefused: "The backend itself refused the handshake; the client got its status.",
  TlsFailed:
    "The TLS handshake failed, so no request came: a client that does not trust the certificate, or speaks no TLS.",
  RouteRemoved: "The route was removed, or has another name now.",
  ProtocolError: "A frame broke the WebSocket protocol. The cause below names the rule, and the end that broke it.",
  MessageRate: "More messages came than `messages` admits.",
  ByteRate: "More bytes came than `bytes` admits.",
  TooManyFragments: "A message had more fragments than `messageSize.maxFragments`.",
  PingFlood: "More control frames came than an end may send: 100 a second.",
  SlowConsumer:
    "An end took its messages too slowly (`slowConsumer`): its network is slow, or its process does not read.",
  MessageTooBig: "A message was larger than `messageSize` admits.",
  BackendLost:
    "The backend's connection ended without a Close frame: its process ended, or something between them cut it.",
  IdleTimeout: "No message came for longer than `timeouts.idle`.",
  LifetimeEnded: "The session reached `timeouts.lifetime`. Clients connect again.",
  KeepaliveTimeout: "The client gave no sign of life after a ping: its network is gone, or its machine sleeps.",
  EndedByOperator: "A person closed this session. The client may connect again, unless `deny` keeps it out.",
};

/** @type {Readonly<Record<number, string>>} Close codes that one end chose (RFC 6455 §7.4.1) */
const CODES = {
  1000: "A normal end.",
  1001: "That end goes away, such as a page that is left.",
  1002: "That end saw a frame that breaks the protocol.",
  1003: "That end does not take this type of data.",
  1005: "A Close frame without a code.",
  1006: "The connection ended without a Close frame: the peer vanished.",
  1007: "That end saw text that is not valid UTF-8.",
  1008: "That end saw a breach of its rules.",
  1009: "A message was too large for that end.",
  1011: "The backend had a fault.",
  1012: "That end restarts.",
  1013: "That end cannot serve now.",
};

/**
 * What a reason means; empty: it is not the gateway's.
 * @param {string} reason
 */
export function meaningOf(reason) {
  return Object.hasOwn(REASONS, reason) ? (REASONS[reason] ?? "") : "";
}

/**
 * How a session ended, in a sentence.
 * @param {{ readonly code: number, readonly reason: string, readonly by: string }} end
 */
export function endMeaning({ code, reason, by }) {
  const words = by === "gateway" ? meaningOf(reason) : (CODES[code] ?? meaningOf(reason));
  if (words !== "") return words;
  return code >= 3000 ? "A code of the application's own." : "";
}

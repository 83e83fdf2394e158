import type { PolicyKind } from "../api/policies/index.ts";
import type { HeaderField } from "./http/header-fields.ts";
import type { RefusalReason } from "./rejection.ts";

/** A client's opening handshake that passed the check of its form (`check-handshake.ts`); nothing in it is trusted yet. */
export interface Handshake {
  /** X-Request-Id: the client's if it is a sane token, else ours. */
  readonly requestId: string;
  /** Address of the client, in canonical form; taken from X-Forwarded-For only where the peer is a trusted proxy. */
  readonly address: string;
  /** What limits per IP count: the address, or its /64 for IPv6. */
  readonly addressSubject: string;
  /** The client's side is TLS: our listener's, or as a trusted proxy says. */
  readonly secure: boolean;
  /** Host header as it was sent. */
  readonly authority: string;
  /** Host name in lower case, without port and without a trailing dot. */
  readonly host: string;
  /** Path of the request target, byte for byte. */
  readonly path: string;
  /** Query of the request target without the `?`, byte for byte; "" if there is none. */
  readonly query: string;
  /** Header fields in order, names as they were sent. */
  readonly headers: readonly HeaderField[];
  /** Subprotocols offered, in order (RFC 6455 §11.3.4). */
  readonly protocols: readonly string[];
  /** Sec-WebSocket-Extensions as offered, lines joined; undefined if nothing was. */
  readonly extensions: string | undefined;
  /** The port that the client used: as a trusted proxy says, else its Host's, else the one of its scheme. */
  readonly port: number;
  /** Is told of a policy in Shadow that would have refused the handshake; absent: nothing watches. */
  readonly shadowed?: (policy: PolicyKind, reason: RefusalReason) => void;
}

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
  /** Port of our listener. */
  readonly port: number;
}

export type HeaderField = readonly [name: string, value: string];

/** All values of a header field, in order; `name` in lower case. */
export function valuesOf(headers: readonly HeaderField[], name: string): string[] {
  const values: string[] = [];
  for (const [field, value] of headers) {
    // The lengths first: nearly every field is another, and a name of some kilobytes is put in lower case for none.
    if (field.length === name.length && field.toLowerCase() === name) values.push(value);
  }
  return values;
}

/** Names in the Connection fields of a head; one with more is refused, be it a client's or a backend's. */
export const MAX_CONNECTION_OPTIONS = 64;

/**
 * Names in the Connection fields, in lower case: what is meant for one hop only (RFC 9110 §7.6.1). Of each field at most
 * one more than MAX_CONNECTION_OPTIONS.
 */
export function connectionOptions(headers: readonly HeaderField[]): string[] {
  return valuesOf(headers, "connection").flatMap((value) =>
    value.split(",", MAX_CONNECTION_OPTIONS + 1).map((name) => name.trim().toLowerCase()),
  );
}

/** Names and values in turn, as in Node's `rawHeaders`, as fields. */
export function fieldsOf(raw: readonly string[]): HeaderField[] {
  const fields: HeaderField[] = [];
  for (let at = 0; at + 1 < raw.length; at += 2) fields.push([raw[at] ?? "", raw[at + 1] ?? ""]);
  return fields;
}

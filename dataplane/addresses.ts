import { isIP, isIPv6, SocketAddress } from "node:net";
import type { AddressList } from "./address-list.ts";
import { valuesOf, type HeaderField } from "./handshake.ts";

/** The one spelling of an address: IPv4-mapped IPv6 folded to IPv4, zone dropped, IPv6 compressed; undefined if it is none. */
export function canonicalAddress(text: string): string | undefined {
  const bare = text.replace(/%.*$/, "");
  const kind = isIP(bare);
  if (kind === 0) return undefined;
  if (kind === 4) return bare;
  const address = new SocketAddress({ address: bare, family: "ipv6" }).address.toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  return mapped?.[1] ?? address;
}

/** Where IPv4 clients of an IPv6-only network come from, behind a translator (RFC 6052 §2.1). */
const NAT64 = "64:ff9b::";

/**
 * What limits per IP count: an IPv4 address, or the /64 of an IPv6 one, since a single host owns all of that; a /64 that
 * holds all of IPv4 is no single host.
 */
export function addressSubject(address: string): string {
  if (!isIPv6(address) || address.startsWith(NAT64)) return address;
  const [left = "", right] = address.split("::");
  const head = left === "" ? [] : left.split(":");
  const tail = right === undefined || right === "" ? [] : right.split(":");
  const groups =
    right === undefined ? head : [...head, ...Array<string>(8 - head.length - tail.length).fill("0"), ...tail];
  return `${groups.slice(0, 4).join(":")}::/64`;
}

/** Where a connection comes from. */
export interface Origin {
  readonly address: string;
  readonly secure: boolean;
}

/**
 * The client's address and scheme. X-Forwarded-For is read from the right, and an entry is believed only as long as
 * whoever wrote it is a trusted proxy; anything that is no address ends the walk.
 */
export function clientOrigin(
  peer: string,
  encrypted: boolean,
  headers: readonly HeaderField[],
  trusted: AddressList,
): Origin {
  let address = canonicalAddress(peer) ?? "0.0.0.0";
  if (!trusted.has(address)) return { address, secure: encrypted };
  const protocol = valuesOf(headers, "x-forwarded-proto").at(-1)?.split(",").at(-1)?.trim().toLowerCase();
  const chain = valuesOf(headers, "x-forwarded-for").join(",").split(",");
  while (trusted.has(address)) {
    const entry = chain.pop()?.trim();
    const next = entry === undefined ? undefined : canonicalAddress(withoutPort(entry));
    if (next === undefined) break;
    address = next;
  }
  return { address, secure: protocol === undefined ? encrypted : protocol === "https" || protocol === "wss" };
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, as some proxies write them. */
function withoutPort(entry: string): string {
  const match = /^\[([^\]]*)\](?::\d+)?$/.exec(entry) ?? /^([0-9.]+):\d+$/.exec(entry);
  return match?.[1] ?? entry;
}

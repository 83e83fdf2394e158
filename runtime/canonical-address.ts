import { isIP, SocketAddress } from "node:net";

/** Characters of the longest spelling of an address, an IPv4 address in it included (RFC 4291 §2.2). */
const MAX_ADDRESS = 45;

/** The one spelling of an address: IPv4-mapped IPv6 folded to IPv4, zone dropped, IPv6 compressed; undefined if it is none. */
export function canonicalAddress(text: string): string | undefined {
  const zone = text.indexOf("%");
  const bare = zone === -1 ? text : text.slice(0, zone);
  const kind = bare.length > MAX_ADDRESS ? 0 : isIP(bare);
  if (kind === 0) return undefined;
  if (kind === 4) return bare;
  const address = new SocketAddress({ address: bare, family: "ipv6" }).address.toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  return mapped?.[1] ?? address;
}

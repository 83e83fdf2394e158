import { isIPv6 } from "node:net";
import { canonicalAddress } from "../runtime/canonical-address.ts";
import type { AddressList } from "./address-list.ts";
import { elementsOf, valuesOf, type HeaderField } from "./http/header-fields.ts";

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
  /** As a trusted proxy says; undefined: none does. */
  readonly port: number | undefined;
}

/** Entries of X-Forwarded-For and -Port that are looked at: far more than there are proxies in a row. */
const MAX_HOPS = 64;
/** Characters of an entry that may be an address: brackets, a zone and a port beside it. */
const MAX_ENTRY = 128;

/**
 * The client's address and scheme, and the port that it used, as far as trusted proxies tell it. X-Forwarded-For is read
 * from the right, and an entry is believed only as long as the peer that wrote it is a trusted proxy; anything that is
 * no address ends the walk, as does the 64th entry.
 */
export function clientOrigin(
  peer: string,
  encrypted: boolean,
  headers: readonly HeaderField[],
  trusted: AddressList,
): Origin {
  let address = canonicalAddress(peer) ?? "0.0.0.0";
  if (!trusted.has(address)) return { address, secure: encrypted, port: undefined };
  const protocols = valuesOf(headers, "x-forwarded-proto").join(",").toLowerCase().split(",");
  const protocol = protocols.map((one) => one.trim()).findLast((one) => one !== "");
  const chain = valuesOf(headers, "x-forwarded-for").join(",");
  let end = chain.length;
  for (let hop = 0; hop < MAX_HOPS && end > 0 && trusted.has(address); hop += 1) {
    const comma = chain.lastIndexOf(",", end - 1);
    const next = entryAddress(chain.slice(comma + 1, end));
    if (next === undefined) break;
    address = next;
    end = comma;
  }
  const secure = protocol === undefined ? encrypted : protocol === "https" || protocol === "wss";
  return { address, secure, port: forwardedPort(headers) };
}

/** X-Forwarded-Port, if all proxies in a row say the same port: of several it is not known which is the client's. */
function forwardedPort(headers: readonly HeaderField[]): number | undefined {
  const [port = "", ...more] = new Set(elementsOf(headers, "x-forwarded-port", MAX_HOPS));
  const sane = more.length === 0 && /^[1-9][0-9]{0,4}$/.test(port) && Number(port) <= 65_535;
  return sane ? Number(port) : undefined;
}

function entryAddress(text: string): string | undefined {
  const entry = text.trim();
  return entry.length > MAX_ENTRY ? undefined : canonicalAddress(withoutPort(entry));
}

/** `192.0.2.1:4711` and `[2001:db8::1]:4711`, as some proxies write them. */
function withoutPort(entry: string): string {
  const match = /^\[([^\]]*)\](?::\d+)?$/.exec(entry) ?? /^([0-9.]+):\d+$/.exec(entry);
  return match?.[1] ?? entry;
}

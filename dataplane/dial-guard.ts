import { lookup as systemLookup, type LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { AddressList } from "./address-list.ts";
import { canonicalAddress } from "../runtime/canonical-address.ts";

/** Resolves a name to all its addresses: `dns.lookup`, or a script in tests. */
export type Resolve = (name: string, done: (error: Error | null, addresses: readonly LookupAddress[]) => void) => void;

export const systemResolve: Resolve = (name, done) => systemLookup(name, { all: true }, done);

/**
 * One look-up for all questions about a name at the same time: look-ups run in the few threads that signatures are verified
 * in too, and a name server that hangs must not take them all.
 */
export function sharedResolve(resolve: Resolve): Resolve {
  const waiting = new Map<string, Parameters<Resolve>[1][]>();
  return (name, done) => {
    const others = waiting.get(name);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    const all = [done];
    waiting.set(name, all);
    resolve(name, (error, addresses) => {
      waiting.delete(name);
      for (const each of all) each(error, addresses);
    });
  };
}

/** An IPv4 block as it looks from behind NAT64 (RFC 6052, RFC 8215). */
const nat64 = (block: string): string[] => {
  const [address, bits] = block.split("/");
  return ["64:ff9b::", "64:ff9b:1::"].map((prefix) => `${prefix}${address}/${96 + Number(bits)}`);
};

const LOOPBACK_IPV4 = "127.0.0.0/8";
const LOOPBACK = new AddressList([LOOPBACK_IPV4, "::1"]);

const FORBIDDEN_IPV4 = [
  "0.0.0.0/8", // unspecified: this host
  "169.254.0.0/16", // link-local, and there most clouds' metadata
  "100.100.100.200/32", // Alibaba Cloud metadata
  "168.63.129.16/32", // Azure's host
  "192.0.0.192/32", // Oracle Cloud metadata
  "224.0.0.0/4", // multicast
  "240.0.0.0/4", // reserved, broadcast
];

const FORBIDDEN = new AddressList([
  ...FORBIDDEN_IPV4,
  ...[...FORBIDDEN_IPV4, LOOPBACK_IPV4].flatMap(nat64),
  "::/96", // unspecified, IPv4-compatible
  "::ffff:0:0:0/96", // IPv4-translated (RFC 2765)
  "2001::/32", // Teredo: an IPv4 address inside
  "2002::/16", // 6to4: an IPv4 address inside
  "fe80::/10", // link-local
  "fec0::/10", // site-local, deprecated
  "ff00::/8", // multicast
  "fd00:ec2::/32", // AWS, beside instances: metadata, credentials of pods
  "fd20:ce::254/128", // Google Cloud metadata
  "fd00:c1::a9fe:a9fe/128", // Oracle Cloud metadata
  "fd00:a9fe:a9fe::1/128", // Akamai metadata
  "fd00:42::42/128", // Scaleway metadata
  "fd00:100::100:200/128", // Alibaba Cloud metadata
]);

/**
 * May the gateway itself ask at this address? Never at link-local, multicast, unspecified, broadcast and cloud metadata
 * addresses, at its own host only if told so; private ranges are where identity providers in a cluster live.
 */
export function mayDial(address: string, loopback: boolean): boolean {
  const canonical = canonicalAddress(address);
  if (canonical === undefined) return false;
  return LOOPBACK.has(canonical) ? loopback : !FORBIDDEN.has(canonical);
}

/** A `lookup` for sockets: what it has judged is what is dialled, so that a second answer of the DNS changes nothing. */
export function guardedLookup(loopback: boolean, resolve: Resolve): LookupFunction {
  return (name, options, done) => {
    resolve(name, (error, addresses) => {
      const [first] = addresses ?? [];
      if (error !== null) return done(error, "", 0);
      if (first === undefined || addresses.some(({ address }) => !mayDial(address, loopback))) {
        return done(new Error("the name stands for an address that is never dialled"), "", 0);
      }
      if (options.all === true) done(null, [...addresses]);
      else done(null, first.address, first.family);
    });
  };
}

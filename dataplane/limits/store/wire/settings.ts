import { isIP } from "node:net";
import { checkServerIdentity } from "node:tls";
import { isDeepStrictEqual } from "node:util";
import type { StoreConfig } from "../../../../api/config.ts";

/** What is needed to reach a store; what is done without it belongs to the limits. */
export type Settings = Omit<StoreConfig, "whenUnavailable">;

/** A server that may be the store, or a node of it. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/** Do both reach the store in the same way? Names of Secrets make no difference: what is in them does. */
export function sameWay(one: Settings, other: Settings): boolean {
  return isDeepStrictEqual(wayOf(one), wayOf(other));
}

function wayOf({ address, tls, credentials, resolved }: Settings): unknown {
  return [address, tls?.serverName, tls?.ca, credentials?.username, credentials?.password, resolved];
}

/** The host and port of `host:port`; an IPv6 address may stand in brackets. */
export function targetOf(address: string): Target {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[(.*)\]$/, "$1"), port: Number(address.slice(colon + 1)) };
}

/** User and password as the client takes them: without a user name it is the server's default user. */
export function loginOf({ credentials }: Settings): { username?: string; password?: string } {
  if (credentials === undefined) return {};
  const { username, password } = credentials;
  return username === "" ? { password } : { username, password };
}

/**
 * How the store's certificate is verified, and there is no setting that turns it off. The name of the settings holds for
 * every node of a cluster, whatever address another node gave for it.
 */
export function tlsOf({ serverName, ca }: NonNullable<Settings["tls"]>) {
  return {
    tls: true as const,
    // SNI has no addresses (RFC 6066 §3).
    servername: isIP(serverName) === 0 ? serverName : "",
    checkServerIdentity: (_host: string, certificate: Parameters<typeof checkServerIdentity>[1]) =>
      checkServerIdentity(serverName, certificate),
    rejectUnauthorized: true,
    minVersion: "TLSv1.2" as const,
    ...(ca === undefined ? {} : { ca }),
  };
}

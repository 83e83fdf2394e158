import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

/** A serving certificate with its key and the CA that signed it, all as PEM. */
export interface PairText {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** A pair that a TLS server can serve, and when it is valid; ms since the epoch. */
export interface Pair extends PairText {
  readonly notBefore: number;
  readonly notAfter: number;
  /** The operator issued it. */
  readonly own: boolean;
}

/** Longest PEM text that is looked at, in characters: ours has 600, a chain of RSA certificates 8,000. */
const LONGEST_PEM = 32_768;
/** The subject of each CA of ours begins like this; the rest is random, so that no two CAs have the same name. */
export const CA_NAME = "wsproxy-webhook-ca-";

/**
 * The pair, if a TLS server can serve it: the key is that of the certificate. With a `host` it must also be one that the
 * API server would take from that host while it trusts `ca` alone, at a time that is not judged here.
 */
export function pairIn({ cert, key, ca }: PairText, host: string | undefined): Pair | undefined {
  if ([cert, key, ca].some((text) => text.length > LONGEST_PEM)) return undefined;
  try {
    const leaf = new X509Certificate(cert);
    if (!leaf.checkPrivateKey(createPrivateKey(key))) return undefined;
    createSecureContext({ cert, key });
    const own = host !== undefined && isOwn(leaf, new X509Certificate(ca), host);
    if (host !== undefined && own === undefined) return undefined;
    return { cert, key, ca, notBefore: time(leaf.validFrom), notAfter: time(leaf.validTo), own: own === true };
  } catch {
    return undefined; // no PEM, no certificate, no key, or one that OpenSSL does not take
  }
}

/** Has its time not come, or is it over? */
export function isOutOfTime({ notBefore, notAfter }: Pair, now: number): boolean {
  return now < notBefore || now >= notAfter;
}

/** Did we issue it? undefined: the API server would not take it. */
function isOwn(leaf: X509Certificate, ca: X509Certificate, host: string): boolean | undefined {
  if (!ca.ca || !leaf.checkIssued(ca) || !leaf.verify(ca.publicKey)) return undefined;
  // The API server is written in Go, which looks at alternative names only.
  if (leaf.checkHost(host, { subject: "never" }) === undefined) return undefined;
  return ca.subject.startsWith(`CN=${CA_NAME}`);
}

/** `Nov 29 11:08:19 2026 GMT`, as OpenSSL writes it. */
function time(text: string): number {
  return Date.parse(text);
}

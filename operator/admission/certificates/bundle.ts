import { X509Certificate } from "node:crypto";

/** Longest bundle that is looked at, in characters. */
const LONGEST_BUNDLE = 262_144;
/** Certificates of a bundle that are looked at. */
const MOST_LOOKED_AT = 32;

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The CAs of a bundle that are still valid, each as PEM in one spelling, without repetition; whatever else is in it is left out. */
export function casIn(bundle: string, now: number): readonly string[] {
  const cas = new Set<string>();
  for (const [block] of bundle.slice(0, LONGEST_BUNDLE).matchAll(BLOCK)) {
    if (cas.size >= MOST_LOOKED_AT) break;
    const certificate = parsed(block);
    if (certificate !== undefined && now < Date.parse(certificate.validTo)) cas.add(spelled(certificate));
  }
  return [...cas];
}

/** A bundle of these CAs, in this order. */
export function bundleOf(cas: readonly string[]): string {
  return cas.join("");
}

/** A PEM text in the one spelling of `casIn`; throws where it is no certificate. */
export function spelledCa(pem: string): string {
  return spelled(new X509Certificate(pem));
}

function spelled(certificate: X509Certificate): string {
  return certificate.toString();
}

function parsed(block: string): X509Certificate | undefined {
  try {
    return new X509Certificate(block);
  } catch {
    return undefined;
  }
}

import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Config } from "../../api/config.ts";
import type { KeyPair } from "./listener.ts";

/** What a listener opens with. */
export interface ListenerCertificate {
  /** undefined: plain ws. */
  readonly keyPair: KeyPair | undefined;
  /** Of the certificate; undefined: there is none. */
  readonly validity: Validity | undefined;
}

/** When a certificate begins and ends to be valid, in ms since the epoch. */
interface Validity {
  readonly start: number;
  readonly end: number;
}

/** The certificate that a config asks for, or why TLS cannot be spoken; where its Secret has none, the one in force stays. */
export function listenerCertificate(
  { tls }: Config["listener"],
  inForce: KeyPair | undefined,
): ListenerCertificate | string {
  if (tls === undefined) return { keyPair: undefined, validity: undefined };
  const keyPair = tls.keyPair ?? inForce;
  if (keyPair === undefined) return "the listener's certificate is missing: see spec.listener.tls.secretName";
  const { certificate, privateKey } = keyPair;
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    const { validFrom, validTo } = new X509Certificate(certificate);
    return { keyPair, validity: { start: Date.parse(validFrom), end: Date.parse(validTo) } };
  } catch (error) {
    return `the listener's certificate cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

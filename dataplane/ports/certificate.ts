import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { Config } from "../../api/config.ts";
import type { KeyPair } from "./listener.ts";

/** What a listener opens with. */
export interface ListenerCertificate {
  /** undefined: plain ws. */
  readonly keyPair: KeyPair | undefined;
  /** Of the certificate, in ms since the epoch; undefined: there is none. */
  readonly expiry: number | undefined;
}

/** The certificate that a config asks for, or why TLS cannot be spoken; where its Secret has none, the one in force stays. */
export function listenerCertificate(
  { tls }: Config["listener"],
  inForce: KeyPair | undefined,
): ListenerCertificate | string {
  if (tls === undefined) return { keyPair: undefined, expiry: undefined };
  const keyPair = tls.keyPair ?? inForce;
  if (keyPair === undefined) return "the listener's certificate is missing: see spec.listener.tls.secretName";
  const { certificate, privateKey } = keyPair;
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    return { keyPair, expiry: Date.parse(new X509Certificate(certificate).validTo) };
  } catch (error) {
    return `the listener's certificate cannot be used: ${error instanceof Error ? error.message : String(error)}`;
  }
}

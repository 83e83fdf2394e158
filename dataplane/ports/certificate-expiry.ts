import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { KeyPair } from "./listener.ts";

/** When a certificate expires, in ms since the epoch; an error where TLS could not be spoken with it. */
export function certificateExpiry({ certificate, privateKey }: KeyPair): number | Error {
  try {
    createSecureContext({ cert: certificate, key: privateKey });
    return Date.parse(new X509Certificate(certificate).validTo);
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

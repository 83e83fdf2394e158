import { createPrivateKey, createPublicKey, hash, X509Certificate, type KeyObject } from "node:crypto";
import { createSecureContext } from "node:tls";
import {
  algorithmOf,
  ALGORITHMS_OF,
  isOversized,
  MIN_RSA_BITS,
  presentMembers,
  type Jwk,
} from "../../api/json-web-keys.ts";
import type { Tools } from "../translate/resources.ts";

/** The translation's Tools by node:crypto. No answer quotes its input, which may be a secret. */
export const tools: Tools = {
  sha256: (text) => hash("sha256", text, "base64url"),
  certificateProblem,
  keyProblem,
};

/** Twice as many as there are public roots. */
const MOST_CERTIFICATES = 300;
const BLOCK = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

function certificateProblem(pem: string, privateKey: string | undefined): string | undefined {
  const chain = pem.match(BLOCK) ?? [];
  if (chain.length === 0) return "holds no PEM certificate (-----BEGIN CERTIFICATE-----)";
  if (chain.length > MOST_CERTIFICATES) return `holds more than ${MOST_CERTIFICATES} certificates; remove some`;
  const certificates: X509Certificate[] = [];
  for (const [index, block] of chain.entries()) {
    const certificate = attempt(() => new X509Certificate(block));
    if (certificate === undefined) return `certificate ${index + 1} of ${chain.length} cannot be read`;
    certificates.push(certificate);
  }
  const [leaf] = certificates;
  if (privateKey === undefined || leaf === undefined) return contextProblem({ ca: pem });
  const key = attempt(() => createPrivateKey(privateKey));
  if (key === undefined) {
    return privateKey.includes("ENCRYPTED")
      ? "the private key is encrypted; store it without a passphrase"
      : "the private key cannot be read as PEM";
  }
  if (attempt(() => leaf.checkPrivateKey(key)) !== true) return "the private key does not belong to the certificate";
  return contextProblem({ cert: pem, key: privateKey });
}

/** Finds problems, such as a key that is too small, that OpenSSL else reports only when the listener opens. */
function contextProblem(options: { ca: string } | { cert: string; key: string }): string | undefined {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    const { reason } = error as { readonly reason?: string };
    return `cannot be used for TLS${reason === undefined ? "" : `: ${reason}`}`;
  }
}

function keyProblem(published: Jwk): string | undefined {
  const jwk = presentMembers(published);
  if (jwk["kty"] === "oct" || "k" in jwk) return "is a symmetric key; only public keys verify tokens here";
  if ("d" in jwk) return "is a private key; publish the public part only, and replace the key";
  if (isOversized(jwk)) {
    return "is larger than a key may be; use RSA of at most 16384 bits with an exponent of at most 256, P-256, P-384, P-521 or Ed25519";
  }
  const key = attempt(() => createPublicKey({ key: jwk, format: "jwk" }));
  if (key === undefined) return "is not a public key that can be read (RFC 7517)";
  const type = typeOf(key);
  const algorithms = ALGORITHMS_OF[type];
  if (algorithms === undefined) {
    return "is of a type that no accepted algorithm uses; use RSA, P-256, P-384, P-521 or Ed25519";
  }
  const { alg } = jwk;
  if (alg !== undefined && !algorithms.test(algorithmOf(alg))) {
    return "has an alg that keys of its type do not take part in; correct it, or leave it out";
  }
  if (type === "rsa" && (key.asymmetricKeyDetails?.modulusLength ?? 0) < MIN_RSA_BITS) {
    return `is an RSA key of fewer than ${MIN_RSA_BITS} bits`;
  }
  return undefined;
}

function typeOf(key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  return curve === undefined ? String(key.asymmetricKeyType) : `${key.asymmetricKeyType} ${curve}`;
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

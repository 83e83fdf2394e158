import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const HOUR = 3_600_000;

/** A certificate and its key, as PEM. */
export interface Pair {
  readonly certificate: string;
  readonly privateKey: string;
}

/** A certificate authority for one test run. */
export class Authority {
  readonly certificate: string;
  readonly #certificate: x509.X509Certificate;
  readonly #keys: CryptoKeyPair;

  private constructor(certificate: x509.X509Certificate, keys: CryptoKeyPair) {
    this.certificate = certificate.toString("pem");
    this.#certificate = certificate;
    this.#keys = keys;
  }

  static async make(): Promise<Authority> {
    x509.cryptoProvider.set(webcrypto as unknown as Crypto);
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=wsproxy-test",
      ...validity(),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, undefined, true)],
    });
    return new Authority(certificate, keys);
  }

  /** A certificate of the API server, for 127.0.0.1. */
  server(): Promise<Pair> {
    return this.#issue("CN=kube-apiserver", x509.ExtendedKeyUsage.serverAuth, ["127.0.0.1"]);
  }

  /** For a client: Kubernetes takes the name for the user's and the organisation for the group's. */
  client(user: string, group?: string): Promise<Pair> {
    const subject = group === undefined ? `CN=${user}` : `O=${group},CN=${user}`;
    return this.#issue(subject, x509.ExtendedKeyUsage.clientAuth, []);
  }

  async #issue(subject: string, use: x509.ExtendedKeyUsage, addresses: readonly string[]): Promise<Pair> {
    const keys = await newKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      subject,
      issuer: this.#certificate.subject,
      ...validity(),
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.ExtendedKeyUsageExtension([use]),
        new x509.SubjectAlternativeNameExtension(addresses.map((value) => ({ type: "ip" as const, value }))),
      ],
    });
    return { certificate: certificate.toString("pem"), privateKey: await pem(keys.privateKey, "pkcs8", "PRIVATE KEY") };
  }
}

/** The key that ServiceAccounts' tokens are signed with, and its public half. */
export async function signingKey(): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const keys = await newKeys();
  return {
    privateKey: await pem(keys.privateKey, "pkcs8", "PRIVATE KEY"),
    publicKey: await pem(keys.publicKey, "spki", "PUBLIC KEY"),
  };
}

async function newKeys(): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as unknown as CryptoKeyPair;
}

async function pem(key: CryptoKey, format: "pkcs8" | "spki", tag: string): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey(format, key), tag);
}

function validity(): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Date.now() - HOUR), notAfter: new Date(Date.now() + 24 * HOUR) };
}

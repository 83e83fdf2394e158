import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** A self-signed certificate for localhost and 127.0.0.1 with its key, as a Secret holds it. */
export async function keyPair(
  notAfter = new Date(Date.now() + 3_600_000),
  notBefore = new Date(Date.now() - 60_000),
): Promise<{
  certificate: string;
  privateKey: string;
}> {
  x509.cryptoProvider.set(webcrypto as unknown as Crypto);
  const keys = (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as unknown as CryptoKeyPair;
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: "CN=localhost",
    notBefore,
    notAfter,
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new x509.SubjectAlternativeNameExtension([
        { type: "dns", value: "localhost" },
        { type: "ip", value: "127.0.0.1" },
      ]),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return { certificate: certificate.toString("pem"), privateKey: x509.PemConverter.encode(pkcs8, "PRIVATE KEY") };
}

export interface IssueParts {
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  readonly notAfter?: Date;
}

/** A certificate authority that lives as long as a test. */
export class Authority {
  readonly #keys: CryptoKeyPair;
  readonly #root: x509.X509Certificate;

  private constructor(keys: CryptoKeyPair, root: x509.X509Certificate) {
    this.#keys = keys;
    this.#root = root;
  }

  static async create(name = "Test CA"): Promise<Authority> {
    x509.cryptoProvider.set(webcrypto as unknown as Crypto);
    const keys = await generateKeys();
    const root = await x509.X509CertificateGenerator.createSelfSigned({
      ...lifetime(),
      name: `CN=${name}`,
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    return new Authority(keys, root);
  }

  /** The certificate that a client needs to trust this authority. */
  get ca(): string {
    return this.#root.toString("pem");
  }

  /** A certificate for these names and addresses, with its key. */
  async issue({ names = [], addresses = [], notAfter }: IssueParts): Promise<{
    certificate: string;
    privateKey: string;
  }> {
    const keys = await generateKeys();
    const certificate = await x509.X509CertificateGenerator.create({
      ...lifetime(notAfter),
      subject: `CN=${names[0] ?? addresses[0] ?? "no name"}`,
      issuer: this.#root.subject,
      publicKey: keys.publicKey,
      signingKey: this.#keys.privateKey,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new x509.SubjectAlternativeNameExtension([
          ...names.map((value) => ({ type: "dns" as const, value })),
          ...addresses.map((value) => ({ type: "ip" as const, value })),
        ]),
      ],
    });
    return { certificate: certificate.toString("pem"), privateKey: await privateKeyOf(keys) };
  }
}

async function generateKeys(): Promise<CryptoKeyPair> {
  return (await webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"])) as unknown as CryptoKeyPair;
}

function lifetime(notAfter = new Date(Date.now() + 3_600_000)): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(Math.min(Date.now(), notAfter.getTime()) - 60_000), notAfter };
}

async function privateKeyOf({ privateKey }: CryptoKeyPair): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", privateKey);
  return x509.PemConverter.encode(pkcs8, "PRIVATE KEY");
}

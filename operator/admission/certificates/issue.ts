import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  cryptoProvider,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { CA_NAME, type PairText } from "./pair.ts";

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 24 * 3_600_000;
/** How long a certificate is valid; ms. */
const VALIDITY = 90 * DAY;
/** A certificate is valid since before it was made: clocks of API servers may be behind ours; ms. */
const BACKDATED = DAY;

/**
 * A new key with a certificate for `host`, signed by a CA of its own. The key of the CA never leaves this function: to trust
 * the CA is to trust this one certificate.
 */
export async function issue(host: string, now: number): Promise<PairText> {
  cryptoProvider.set(webcrypto);
  const [caKeys, keys] = [await newKeys(false), await newKeys(true)];
  const validity = { notBefore: new Date(now - BACKDATED), notAfter: new Date(now + VALIDITY) };
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    name: `CN=${CA_NAME}${randomBytes(8).toString("hex")}`,
    keys: caKeys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true),
      await SubjectKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    // A name of the host could be longer than the 64 characters of a common name.
    subject: "CN=wsproxy-webhook",
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey: caKeys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([{ type: "dns", value: host }]),
      await AuthorityKeyIdentifierExtension.create(caKeys.publicKey),
    ],
  });
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", keys.privateKey);
  return {
    cert: `${certificate.toString("pem")}\n`,
    key: `${PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`,
    ca: `${ca.toString("pem")}\n`,
  };
}

function newKeys(extractable: boolean): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, extractable, ["sign", "verify"]);
}

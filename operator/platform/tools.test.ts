import { createHash, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import { expect, test } from "vitest";
import { decode } from "../gather/decode.ts";
import { tools } from "./tools.ts";

const manifests = readFileSync(new URL("../../test/golden/backend-tls/resources.yaml", import.meta.url), "utf8");
const secrets = new Map(
  parseAllDocuments(manifests)
    .flatMap((document) => decode(document.toJS()).objects)
    .flatMap((it) => (it.kind === "Secret" ? [[it.object.metadata.name, it.object.data] as const] : [])),
);
const ca = secrets.get("ca")?.["ca.crt"] ?? "";
const certificate = secrets.get("client")?.["tls.crt"] ?? "";
const key = secrets.get("client")?.["tls.key"] ?? "";

test("SHA-256 is base64url without padding, of the UTF-8 text", () => {
  expect(tools.sha256("é")).toBe(createHash("sha256").update(Buffer.from("é", "utf8")).digest("base64url"));
  expect(tools.sha256("")).toHaveLength(43);
});

test("a chain with its key, and an authority, are fit", () => {
  expect(tools.certificateProblem(certificate, key)).toBeUndefined();
  expect(tools.certificateProblem(`${certificate}\nsome words\n${ca}`, key)).toBeUndefined();
  expect(tools.certificateProblem(`${ca}${certificate}`, undefined)).toBeUndefined();
});

const otherKey = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" });
const sealed = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
  type: "pkcs8",
  format: "pem",
  cipher: "aes-256-cbc",
  passphrase: "x",
});

test.each<[string, string, string | undefined, RegExp]>([
  ["no PEM", "certificate", key, /holds no PEM certificate/],
  ["a key for a certificate", key, key, /holds no PEM certificate/],
  [
    "a broken certificate behind a good one",
    `${certificate}${ca.replace("MII", "AAA")}`,
    key,
    /certificate 2 of 2 cannot be read/,
  ],
  ["no key", certificate, "key", /private key cannot be read/],
  ["a sealed key", certificate, String(sealed), /is encrypted/],
  ["another's key", certificate, String(otherKey), /does not belong to the certificate/],
  ["the chain in the wrong order", `${ca}${certificate}`, key, /does not belong to the certificate/],
  ["an authority that is none", "x", undefined, /holds no PEM certificate/],
])("%s is a problem that quotes nothing", (_, pem, privateKey, expected) => {
  const problem = tools.certificateProblem(pem, privateKey);
  expect(problem).toMatch(expected);
  expect(problem).not.toMatch(/BEGIN [A-Z ]*KEY|MII/);
});

const ec = (namedCurve: string) => generateKeyPairSync("ec", { namedCurve }).publicKey.export({ format: "jwk" });
const rsa = (modulusLength: number) =>
  generateKeyPairSync("rsa", { modulusLength }).publicKey.export({ format: "jwk" });

test.each([
  ["RSA", rsa(2048)],
  ["P-256", ec("P-256")],
  ["P-384", ec("P-384")],
  ["P-521", ec("P-521")],
  ["Ed25519", generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" })],
])("a public key of type %s verifies", (_, jwk) => {
  expect(tools.keyProblem(jwk)).toBeUndefined();
});

test.each<[string, Record<string, unknown>, RegExp]>([
  ["a private key", generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ format: "jwk" }), /private/],
  ["a symmetric key", { kty: "oct", k: "c2VjcmV0" }, /symmetric/],
  ["a symmetric key without k", { kty: "oct" }, /symmetric/],
  ["a small RSA key", rsa(1024), /fewer than 2048 bits/],
  ["a curve that no algorithm uses", ec("secp256k1"), /of a type/],
  ["a key for key agreement", generateKeyPairSync("x25519").publicKey.export({ format: "jwk" }), /of a type/],
  ["an exponent of 75 kB", { ...rsa(2048), e: `AQAB${"A".repeat(100_000)}` }, /larger than a key may be/],
  ["a modulus of 200 kB", { ...rsa(2048), n: "B".repeat(250_000) }, /larger than a key may be/],
  ["a point off the curve", { ...ec("P-256"), x: "AAAA" }, /not a public key/],
  ["nothing", {}, /not a public key/],
  ["a number for a type", { kty: 1 }, /not a public key/],
])("%s does not", (_, jwk, expected) => {
  expect(tools.keyProblem(jwk)).toMatch(expected);
});

test("a file of too many certificates is refused before they are read", () => {
  const block = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  expect(tools.certificateProblem(block.repeat(301), undefined)).toBe("holds more than 300 certificates; remove some");
  expect(tools.certificateProblem(block.repeat(300), undefined)).toBe("certificate 1 of 300 cannot be read");
});

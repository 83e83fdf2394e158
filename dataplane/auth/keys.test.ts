import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { Signer } from "../../test/fakes/idp-signer.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import { chooseKey, importKeys, parseKeySet } from "./keys.ts";

const rsa = new Signer("RS256", "k").jwk;
const ec = new Signer("ES256", "k").jwk;
const ed = new Signer("EdDSA", "k").jwk;
const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "HS256",
  "none",
];

const exported = (type: "rsa" | "ec" | "x25519", options: object): Record<string, unknown> => ({
  ...generateKeyPairSync(type as "rsa", options as { modulusLength: number }).publicKey.export({ format: "jwk" }),
});

test.each<[string, Record<string, unknown>, string]>([
  ["an RSA key", rsa, "RS256 RS384 RS512 PS256 PS384 PS512"],
  ["an RSA key for PS256 only", { ...rsa, alg: "PS256" }, "PS256"],
  ["a P-256 key", ec, "ES256"],
  ["a P-384 key", exported("ec", { namedCurve: "P-384" }), "ES384"],
  ["a P-521 key", exported("ec", { namedCurve: "P-521" }), "ES512"],
  ["a P-256 key that says ES384", { ...ec, alg: "ES384" }, ""],
  ["an Ed25519 key", ed, "EdDSA"],
  ["an Ed25519 key by its newer name", { ...ed, alg: "Ed25519" }, "EdDSA"],
  ["a key whose alg is no string", { ...ec, alg: ["ES256"] }, ""],
  ["a key without use", { ...ec, use: undefined }, "ES256"],
  ["a key for verifying", { ...ec, key_ops: ["verify"] }, "ES256"],
])("%s fits %3$s", (_, jwk, fitting) => {
  const keys = importKeys([jwk]);
  expect(algorithms.filter((algorithm) => keys.some((key) => key.fits(algorithm))).join(" ")).toBe(fitting);
});

test.each<[string, Record<string, unknown>]>([
  ["a key for encryption", { ...rsa, use: "enc" }],
  ["a key for signing only", { ...rsa, key_ops: ["sign"] }],
  ["an RSA key of 1024 bits", exported("rsa", { modulusLength: 1024 })],
  ["a curve that is not listed", exported("ec", { namedCurve: "secp256k1" })],
  ["a key for agreement", exported("x25519", {})],
  ["a private key", { ...ed, d: "AAAA" }],
  ["a symmetric key", { kty: "oct", k: "c2VjcmV0" }],
  ["a key without its numbers", { kty: "RSA", kid: "k" }],
  ["a key without a type", { kid: "k" }],
])("%s is left out, the good one beside it stays", (_, jwk) => {
  expect(importKeys([jwk, ec])).toHaveLength(1);
});

test.each<[string, Record<string, unknown>]>([
  ["an exponent", { ...rsa, e: `AQAB${"A".repeat(100_000)}` }],
  ["a modulus", { ...rsa, n: "B".repeat(250_000) }],
  ["a coordinate", { ...ec, x: "B".repeat(250_000) }],
])("%s that no key needs is left out, and takes next to no time", (_what, jwk) => {
  const text = JSON.stringify({ keys: [jwk, ec] });
  expect(parseKeySet(text)).toHaveLength(1);
  expect(leastTime(() => void parseKeySet(text))).toBeLessThan(20);
});

test("an RSA key of 16,384 bits is one", () => {
  expect(importKeys([{ ...rsa, n: Buffer.alloc(2048, 0xfd).toString("base64url") }])).toHaveLength(1);
});

test("two keys of one id are told apart by type; of the same type neither is chosen", () => {
  const both = importKeys([rsa, ec]);
  expect(chooseKey(both, { algorithm: "ES256", kid: "k" })?.key.asymmetricKeyType).toBe("ec");
  const twice = importKeys([ec, new Signer("ES256", "k").jwk]);
  expect(chooseKey(twice, { algorithm: "ES256", kid: "k" })).toBeUndefined();
  expect(chooseKey(importKeys([ec, ec]), { algorithm: "ES256", kid: "k" })).toBeDefined();
});

test("a set of 100 keys is a set, one of 101 is none", () => {
  expect(parseKeySet(JSON.stringify({ keys: Array(100).fill(ec) }))).toHaveLength(100);
  expect(parseKeySet(JSON.stringify({ keys: Array(101).fill(ec) }))).toBeUndefined();
});

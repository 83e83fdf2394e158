import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { Signer } from "../../test/fakes/idp-signer.ts";
import { leastTime } from "../../test/fakes/least-time.ts";
import { importKeys, namedKeys, parseKeySet, unnamedKeys, whyNoKey } from "./keys.ts";

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
  [
    "a key whose other members are null",
    {
      ...ec,
      ...Object.fromEntries(["d", "k", "use", "key_ops", "alg", "kid", "x5c", "x5t", "ext"].map((it) => [it, null])),
    },
    "ES256",
  ],
  ["a key whose other members are empty texts", { ...ec, d: "", use: "", alg: "", kid: "" }, "ES256"],
  ["a key with members that no RFC knows", { ...ec, issuer: 7, exp: null, more: { d: 1 } }, "ES256"],
])("%s fits $2", (_, jwk, fitting) => {
  const keys = importKeys([jwk]);
  expect(algorithms.filter((algorithm) => keys.some((key) => key.fits(algorithm))).join(" ")).toBe(fitting);
});

test.each<[string, Record<string, unknown>]>([
  ["a key for encryption", { ...rsa, use: "enc" }],
  ["a key for signing only", { ...rsa, key_ops: ["sign"] }],
  ["an RSA key of 1024 bits", exported("rsa", { modulusLength: 1024 })],
  ["a curve that is not on our list", exported("ec", { namedCurve: "secp256k1" })],
  ["a key for agreement", exported("x25519", {})],
  ["a private key", { ...ed, d: "AAAA" }],
  ["a key that no operation is permitted with", { ...rsa, key_ops: [] }],
  ["a key for encryption by its alg", { ...rsa, use: undefined, alg: "RSA-OAEP-256" }],
  ["a key whose alg is of another family", { ...rsa, alg: "ES256" }],
  ["a key whose type is null", { ...rsa, kty: null }],
  ["a key whose modulus is null", { ...rsa, n: null }],
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
])("a key with %s longer than any key needs is left out, and costs next to no time", (_what, jwk) => {
  const text = JSON.stringify({ keys: [jwk, ec] });
  expect(parseKeySet(text)).toMatchObject({ keys: [{ kid: "k" }], leftOut: ["too large"] });
  expect(leastTime(() => void parseKeySet(text))).toBeLessThan(20);
});

test("an RSA key of 16,384 bits is accepted", () => {
  expect(importKeys([{ ...rsa, n: Buffer.alloc(2048, 0xfd).toString("base64url") }])).toHaveLength(1);
});

test("two keys of one id are told apart by type; of the same type neither is chosen", () => {
  const both = importKeys([rsa, ec]);
  expect(namedKeys(both, { algorithm: "ES256", kid: "k" })[0]?.key.asymmetricKeyType).toBe("ec");
  const twice = importKeys([ec, new Signer("ES256", "k").jwk]);
  expect(namedKeys(twice, { algorithm: "ES256", kid: "k" })).toEqual([]);
  expect(namedKeys(importKeys([ec, ec]), { algorithm: "ES256", kid: "k" })).toHaveLength(1);
});

test("a set of 100 keys is accepted, one of 101 is not", () => {
  expect(parseKeySet(JSON.stringify({ keys: Array(100).fill(ec) }))?.keys).toHaveLength(100);
  expect(parseKeySet(JSON.stringify({ keys: Array(101).fill(ec) }))).toBeUndefined();
});

test.each<[unknown, string | undefined]>([
  ["one", "one"],
  [null, undefined],
  ["", undefined],
  [7, undefined],
])("a kid of %j is %s", (kid, wanted) => {
  expect(importKeys([{ ...ec, kid }])[0]?.kid).toBe(wanted);
});

const without = (count: number): Record<string, unknown>[] =>
  Array.from({ length: count }, () => new Signer("ES256").jwk);

test.each<[string, Record<string, unknown>[], string | undefined, number]>([
  ["a kid that no key has, and one key without", [ec, ...without(1)], "other", 1],
  ["a kid that no key has, and three keys without", [ec, ...without(3)], "other", 3],
  ["a kid that no key has, and eight keys without", without(8), "other", 4],
  ["a kid that no key has, and a key without of another type", [{ ...rsa, kid: undefined }], "other", 0],
  ["a kid that a key of another type has, and one key without", [rsa, ...without(1)], "k", 0],
  ["no kid, and two keys without", without(2), undefined, 2],
  ["no kid, and two keys with one", [ec, { ...new Signer("ES256", "l").jwk }], undefined, 0],
])("a token with %s", (_, jwks, kid, tried) => {
  expect(unnamedKeys(importKeys(jwks), { algorithm: "ES256", kid })).toHaveLength(tried);
});

test("an unsuitable set is told by what is wrong with its keys", () => {
  const weak = exported("rsa", { modulusLength: 1024 });
  const keys = [
    { kty: "oct", k: "c2VjcmV0" },
    { ...ed, d: "AAAA" },
    { ...rsa, use: "enc" },
    weak,
    { ...ec, alg: "ES384" },
  ];
  expect(parseKeySet(JSON.stringify({ keys: [...keys, { kty: "RSA" }] }))).toEqual({
    keys: [],
    leftOut: ["symmetric", "private", "for another use", "too weak", "of another type", "unreadable"],
  });
});

test.each<[Record<string, unknown>[], string | undefined, string]>([
  [[], "k", "the key set has no usable key"],
  [[ec], "other", 'the key set has no key with the kid "other"'],
  [[ec], `\n${"x".repeat(9000)}`, `the key set has no key with the kid "\\n${"x".repeat(98)}…"`],
  [[rsa], "k", 'the key set has no key with the kid "k" for ES256'],
  [[rsa], undefined, "the key set has no key for ES256"],
  [[ec, new Signer("ES256", "k").jwk], "k", 'the key set has several keys with the kid "k" for ES256'],
])("why there is no key for a token (%#)", (jwks, kid, words) => {
  expect(whyNoKey(importKeys(jwks), { algorithm: "ES256", kid })).toBe(words);
});

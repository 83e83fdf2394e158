import { expect, test } from "vitest";
import { lookup, metadata, secret } from "../../../test/fakes/resources.ts";
import { keySet } from "./key-set.ts";

/** Reads a key set in a Secret, with every key good. */
function read(document: unknown) {
  const { tools, ...parts } = lookup({ secrets: [secret("issuer", { "jwks.json": JSON.stringify(document) })] });
  const { value, problems } = keySet({ secretName: "issuer" }, "at", {
    ...parts,
    tools: { ...tools, keyProblem: () => undefined },
  });
  return { keys: value?.length, problems: problems.map(({ message }) => message) };
}

const key = (kid: string, length = 300): object => ({ kty: "RSA", kid, n: "x".repeat(length), e: "AQAB" });

test("a key set that is too long, or has keys that are, is not used", () => {
  const keys = Array.from({ length: 100 }, (_, at) => key(String(at)));
  const certificate = "x".repeat(4000);
  expect(read({ keys: keys.map((one) => ({ ...one, x5c: [certificate] })) })).toEqual({ keys: 100, problems: [] });
  expect(read({ keys: [...keys, key("100")] })).toEqual({
    keys: undefined,
    problems: ["Secret issuer: jwks.json holds more than 100 keys; remove the old ones"],
  });
  expect(read({ keys, more: "x".repeat(600_000) })).toEqual({
    keys: undefined,
    problems: ["Secret issuer: jwks.json is longer than 512Ki; remove keys that are not used"],
  });
  expect(read({ keys: keys.map((_, at) => key(String(at), 2000)) })).toEqual({
    keys: undefined,
    problems: ["Secret issuer: jwks.json holds keys of more than 128Ki in all; remove those that are not used"],
  });
});

test("the status names a wrong key of a key set in a Secret by its index; where readers have the Secret, by its kid", () => {
  const keys = [
    { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", use: "enc", kid: "other-use" },
    { kty: "oct", k: "a-secret", kid: "a-name-inside" },
  ];
  const secrets = [secret("issuer", { "jwks.json": JSON.stringify({ keys }) })];
  const words = (secretsAtHand: boolean): string[] =>
    keySet({ secretName: "issuer" }, "at", { ...lookup({ secrets }), secretsAtHand }).problems.map((it) => it.message);
  const symmetric = "which is a symmetric key; only public keys verify tokens here";
  expect(words(false)).toEqual([`Secret issuer: jwks.json holds keys[1], ${symmetric}`]);
  expect(words(true)).toEqual([`Secret issuer: jwks.json holds the key "a-name-inside", ${symmetric}`]);
});

const good = { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" };
const nothing = { d: null, k: null, use: null, alg: null, kid: null, key_ops: null, x5c: null };

test.each<[string, object, string | undefined]>([
  ["whose other members are null", { ...good, ...nothing }, undefined],
  ["whose other members are empty texts", { ...good, d: "", use: "", alg: "", kid: "" }, undefined],
  ["for signing only", { ...good, key_ops: ["sign"] }, "holds no key that verifies signatures"],
  ["without any operation", { ...good, key_ops: [] }, "holds no key that verifies signatures"],
  ["for encryption", { ...good, alg: "ECDH-ES" }, "holds no key that verifies signatures"],
  ["of another alg", { ...good, alg: "ES256" }, "has an alg that keys of its type do not take part in"],
])("a set with one key %s: %s", (_, jwk, words) => {
  const secrets = [secret("issuer", { "jwks.json": JSON.stringify({ keys: [jwk] }) })];
  const { value, problems } = keySet({ secretName: "issuer" }, "at", lookup({ secrets }));
  expect(value).toEqual(words === undefined ? [good] : undefined);
  expect(problems.map(({ message }) => message).join()).toMatch(words ?? /^$/);
});

test("an entry in binaryData, and a ConfigMap or Secret that cannot be used, are not said to be missing", () => {
  const configMaps = [{ metadata: metadata("issuer"), data: {}, binary: ["jwks.json"] }];
  const undecoded = (["Secret", "ConfigMap"] as const).map((kind) => ({
    kind,
    metadata: metadata("wrong"),
    words: "data: must be an object, not an array",
  }));
  const said = (reference: object): string[] =>
    keySet(reference, "at", lookup({ configMaps, undecoded })).problems.map((it) => `${it.reason} ${it.message}`);
  expect(said({ configMapName: "issuer" })).toEqual([
    "ConfigMapInvalid ConfigMap issuer: has the key jwks.json in binaryData, which is not read; write it as text in data",
  ]);
  const words = "wrong: is malformed, so it is not used: data: must be an object, not an array";
  expect(said({ configMapName: "wrong" })).toEqual([`ConfigMapInvalid ConfigMap ${words}`]);
  expect(said({ secretName: "wrong" })).toEqual([`SecretInvalid Secret ${words}`]);
});

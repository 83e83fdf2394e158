import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { metadata, proxy, secret, translated } from "../../../test/fakes/resources.ts";

const PAIR = { type: "kubernetes.io/tls" };

test("a certificate or key of more than 1 MiB is not read, and the message says so", () => {
  const listening = proxy({ listener: { tls: { secretName: "tls" } } });
  const messages = (certificate: string, key: string): readonly string[] => {
    const secrets = [secret("tls", { "tls.crt": certificate, "tls.key": key }, PAIR)];
    return translated({ proxy: listening, secrets }).status.problems.map(({ message }) => message);
  };
  const [fits, tooLong] = ["x".repeat(1_048_576), "x".repeat(1_048_577)];
  expect(messages(fits, fits).join()).not.toContain("larger than");
  for (const pair of [[tooLong, fits] as const, [fits, tooLong] as const]) {
    expect(messages(...pair)).toEqual([expect.stringContaining("is larger than 1Mi")]);
  }
});

test("a key set of 100 keys is read, one of 101 is not, and the message says so", () => {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
  const messages = (count: number): readonly string[] => {
    const keys = Array.from({ length: count }, (_, n) => ({ ...key, kid: `k${n}` }));
    const jwt = { issuer: "https://idp.test/", audiences: ["chat"], jwks: { configMapName: "idp" } };
    const configMaps = [{ metadata: metadata("idp"), data: { "jwks.json": JSON.stringify({ keys }) } }];
    return translated({
      proxy: proxy({ policies: { authentication: { jwt: [jwt] } } }),
      configMaps,
    }).status.problems.map(({ message }) => message);
  };
  expect(messages(100)).toEqual([]);
  expect(messages(101)).toEqual([expect.stringContaining("holds more than 100 keys")]);
});

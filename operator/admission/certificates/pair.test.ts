import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { expect, test } from "vitest";
import { Authority } from "../../../test/fakes/certificates.ts";
import { issue } from "./issue.ts";
import { isOutOfTime, pairIn } from "./pair.ts";
import { pairToServe } from "./pair-to-serve.ts";

const HOST = "operator-webhook.wsproxy-system.svc";
const NOW = Date.parse("2026-01-01T00:00:00Z");
const DAY = 24 * 3_600_000;

test("a certificate is valid for 90 days, and for clocks that are a day behind", async () => {
  const pair = pairIn(await issue(HOST, NOW), HOST);
  expect(pair).toMatchObject({ own: true, notBefore: NOW - DAY, notAfter: NOW + 90 * DAY });
  if (pair === undefined) return;
  const times = [NOW - DAY - 1, NOW - DAY, NOW + 90 * DAY - 1, NOW + 90 * DAY];
  expect(times.map((now) => isOutOfTime(pair, now))).toEqual([true, false, false, true]);
});

test("W10 a certificate serves the Service and nothing else, and its CA signs servers alone", async () => {
  const { cert, ca } = await issue(HOST, NOW);
  const [leaf, root] = [new X509Certificate(cert), new X509Certificate(ca)];
  expect(leaf).toMatchObject({ ca: false, subjectAltName: `DNS:${HOST}`, keyUsage: ["1.3.6.1.5.5.7.3.1"] });
  expect(root.ca).toBe(true);
  expect(leaf.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: "prime256v1" });
  expect(leaf.toString()).not.toBe(root.toString());
  const other = new X509Certificate((await issue(HOST, NOW)).ca);
  expect(other.subject).not.toBe(root.subject);
});

test("a Service with the longest names has a certificate", async () => {
  const host = `${"s".repeat(63)}.${"n".repeat(63)}.svc`;
  expect(pairIn(await issue(host, NOW), host)).toMatchObject({ own: true });
});

test("a pair that the API server would not take is none", async () => {
  const [pair, other] = [await issue(HOST, NOW), await issue(HOST, NOW)];
  expect(pairIn(pair, HOST)).toBeDefined();
  for (const wrong of [
    { ...pair, key: other.key },
    { ...pair, cert: other.cert },
    { ...pair, ca: other.ca },
    { ...pair, ca: pair.cert },
    { ...pair, key: "" },
    { ...pair, key: pair.key.slice(0, 100) },
    { ...pair, cert: pair.cert.replaceAll("M", "N") },
    { ...pair, cert: `${pair.cert}${" ".repeat(32_768)}` },
  ])
    expect(pairIn(wrong, HOST)).toBeUndefined();
  expect(pairIn(pair, "other.wsproxy-system.svc")).toBeUndefined();
});

test("a key with a passphrase is no key, and asks for none", async () => {
  const pair = await issue(HOST, NOW);
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "secret" },
  });
  expect(pairIn({ ...pair, key: privateKey }, HOST)).toBeUndefined();
});

test("a pair of another issuer is usable, and not our own", async () => {
  const authority = await Authority.create();
  const { certificate, privateKey } = await authority.issue({ names: [HOST] });
  const pair = { cert: certificate, key: privateKey, ca: authority.ca };
  expect(pairIn(pair, HOST)).toMatchObject({ own: false });
  expect(pairIn({ ...pair, ca: "" }, undefined)).toMatchObject({ cert: certificate });
});

test("a replica serves the current pair, else its last, else the next, and what has expired last", async () => {
  const made = async (now: number) => pairIn(await issue(HOST, now), HOST);
  const [a, b, c, expired, future] = await Promise.all([NOW, NOW, NOW, NOW - 91 * DAY, NOW + 9 * DAY].map(made));
  expect(pairToServe({ current: a, next: b }, c, NOW)).toBe(a);
  expect(pairToServe({ current: undefined, next: b }, c, NOW)).toBe(c);
  expect(pairToServe({ current: undefined, next: b }, undefined, NOW)).toBe(b);
  expect(pairToServe({ current: expired, next: b }, undefined, NOW)).toBe(b);
  expect(pairToServe({ current: expired, next: undefined }, c, NOW)).toBe(c);
  expect(pairToServe({ current: undefined, next: undefined }, expired, NOW)).toBe(expired);
  expect(pairToServe({ current: future, next: undefined }, c, NOW)).toBe(future);
  expect(pairToServe({ current: undefined, next: undefined }, undefined, NOW)).toBeUndefined();
});

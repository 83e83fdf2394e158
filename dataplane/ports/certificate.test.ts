import { beforeAll, expect, test } from "vitest";
import { keyPair } from "../../test/fakes/certificates.ts";
import { configOf } from "../../test/fakes/config.ts";
import { listenerCertificate } from "./certificate.ts";
import type { KeyPair } from "./listener.ts";

const END = Math.floor(Date.now() / 1000) * 1000 + 3_600_000;
const START = END - 7_200_000;
let pair: KeyPair;
let other: KeyPair;
beforeAll(async () => {
  pair = await keyPair(new Date(END), new Date(START));
  other = await keyPair();
});

const of = (tls: { keyPair?: KeyPair } | undefined, inForce?: KeyPair): ReturnType<typeof listenerCertificate> =>
  listenerCertificate(configOf(tls === undefined ? {} : { tls }).listener, inForce);

test("without tls there is none, whatever was in force", () => {
  expect(of(undefined, pair)).toEqual({ keyPair: undefined, validity: undefined });
});

test("the config's is taken, and from when until when it is valid", () => {
  expect(of({ keyPair: pair }, other)).toEqual({ keyPair: pair, validity: { start: START, end: END } });
});

test("where the config has none the one in force stays; with neither it is missing", () => {
  expect(of({}, pair)).toEqual({ keyPair: pair, validity: { start: START, end: END } });
  expect(of({})).toBe("the listener's certificate is missing: see spec.listener.tls.secretName");
});

test("one that TLS cannot be spoken with is told in words", () => {
  const said = "the listener's certificate cannot be used: ";
  expect(of({ keyPair: { certificate: "no PEM", privateKey: "no PEM" } })).toContain(said);
  expect(of({ keyPair: { ...pair, privateKey: other.privateKey } })).toContain(said);
});

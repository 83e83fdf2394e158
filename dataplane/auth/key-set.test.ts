import { beforeEach, expect, test } from "vitest";
import { json, ScriptedIdp, settle } from "../../test/fakes/idp-bench.ts";
import { FakeClock } from "../../test/fakes/clock.ts";
import { Signer } from "../../test/fakes/idp-signer.ts";
import { LONG_UNASKED, REFRESH_INTERVAL, RemoteKeySet, RETRY_INTERVAL } from "./key-set.ts";
import type { Answer } from "./guarded-fetch.ts";
import { MAX_STALE } from "./patience.ts";

const one = new Signer("ES256", "one");
const two = new Signer("ES256", "two");
const set = (...signers: Signer[]): Answer => json({ keys: signers.map(({ jwk }) => jwk) });
const location = { issuer: "https://idp.test/", uri: "https://idp.test/keys", allowHttp: false };
const { signal } = new AbortController();

let clock: FakeClock;
let idp: ScriptedIdp;
let logged: string[];
let keys: RemoteKeySet;

beforeEach(() => {
  clock = new FakeClock();
  idp = new ScriptedIdp(() => set(one));
  logged = [];
  const log = (fields: object, message: string): void => void logged.push(`${message} ${JSON.stringify(fields)}`);
  keys = new RemoteKeySet(location, idp.fetch, clock, { debug: log, info: log, warn: log, error: log });
});

async function find(kid: string | undefined): Promise<string> {
  const found = await keys.find({ algorithm: "ES256", kid }, signal);
  return "reason" in found ? found.reason : "found";
}

test("nothing is fetched before a token asks for it, then once for all that ask together", async () => {
  await settle();
  expect(idp.asked).toHaveLength(0);
  expect(await Promise.all(Array.from({ length: 100 }, () => find("one")))).toEqual(Array(100).fill("found"));
  expect(idp.asked).toHaveLength(1);
  expect(idp.asked[0]).toMatchObject({ url: location.uri, allowHttp: false });
});

test("E13 made-up key ids, 10,000 in 10 s, cost one request, and known keys still verify", async () => {
  await find("one");
  clock.advance(10_000);
  for (let index = 0; index < 10_000; index += 1) {
    if (index > 0) clock.advance(0.999);
    expect(await find(`random-${index}`)).toBe("CredentialInvalid");
  }
  expect(idp.asked).toHaveLength(2);
  expect(await find("one")).toBe("found");
});

test("a key that the issuer has just published is found by the first token that needs it", async () => {
  await find("one");
  idp.answer = () => set(one, two);
  clock.advance(10_000);
  expect(await find("two")).toBe("found");
});

test("E17 a refresh replaces the set: a removed key verifies nothing any more", async () => {
  await find("one");
  idp.answer = () => set(two);
  clock.advance(REFRESH_INTERVAL * 1.1);
  // The token that finds the set too old is still verified with it, and starts the refresh.
  expect(await find("one")).toBe("found");
  await settle();
  expect(await find("one")).toBe("CredentialInvalid");
  expect(await find("two")).toBe("found");
  expect(idp.asked).toHaveLength(2);
});

test("E17 when no token came for long, the first one waits for the newest set", async () => {
  await find("one");
  idp.answer = () => set(two);
  clock.advance(LONG_UNASKED + 1);
  expect(await find("one")).toBe("CredentialInvalid");
  // With the issuer down it waits once, then takes what there is.
  idp.answer = () => "ECONNREFUSED";
  clock.advance(LONG_UNASKED + 1);
  expect(await find("two")).toBe("found");
  idp.answer = () => new Promise(() => {});
  clock.advance(RETRY_INTERVAL * 1.1);
  expect(await find("two")).toBe("found");
});

test("a new key under the same id replaces the old one", async () => {
  await find("one");
  const before = await keys.find({ algorithm: "ES256", kid: "one" }, signal);
  idp.answer = () => set(new Signer("ES256", "one"));
  clock.advance(REFRESH_INTERVAL * 1.1);
  await find("one");
  await settle();
  expect(Array.isArray(before) && keys.holds(String(before[0]?.id))).toBe(false);
});

test.each<[string, Answer | string]>([
  ["an error", json({ error: "x" }, 500)],
  ["a redirect", { status: 302, contentType: undefined, body: Buffer.alloc(0) }],
  ["no answer", "no answer in time"],
  ["HTML", { status: 200, contentType: "text/html", body: Buffer.from("<html>") }],
  ["nothing", { status: 200, contentType: undefined, body: Buffer.alloc(0) }],
  ["no set", json({})],
  ["a list", json([one.jwk])],
  ["keys that are no list", json({ keys: one.jwk })],
  ["keys that are no objects", json({ keys: [one.jwk, "x"] })],
  ["101 keys", json({ keys: Array.from({ length: 101 }, () => two.jwk) })],
  ["another status of success", { ...set(two), status: 203 }],
])("the last good set stays when the issuer answers with %s", async (_, answer) => {
  await find("one");
  idp.answer = () => answer;
  clock.advance(REFRESH_INTERVAL * 1.1);
  await find("one");
  await settle();
  expect(idp.asked).toHaveLength(2);
  expect(await find("one")).toBe("found");
  expect(await find("two")).toBe("IdentityProviderUnavailable");
  expect(logged).toHaveLength(1);
  idp.answer = () => set(one, two);
  clock.advance(10_000);
  expect(await find("two")).toBe("found");
  expect(logged).toHaveLength(2);
});

test("with the issuer down its keys are used for a day and not longer, and again when it is back", async () => {
  await find("one");
  idp.answer = () => "ECONNREFUSED";
  clock.advance(MAX_STALE);
  expect(await find("one")).toBe("found");
  clock.advance(1);
  await settle();
  expect(await find("one")).toBe("IdentityProviderUnavailable");
  idp.answer = () => set(one);
  clock.advance(10_000);
  expect(await find("one")).toBe("found");
});

test("an issuer that was never reached is asked every 10 s at most, and the client is told when", async () => {
  idp.answer = () => "ECONNREFUSED";
  const refusal = await keys.find({ algorithm: "ES256", kid: "one" }, signal);
  expect(refusal).toMatchObject({ reason: "IdentityProviderUnavailable", retryAfter: 10 });
  clock.advance(9000);
  expect(await keys.find({ algorithm: "ES256", kid: "one" }, signal)).toMatchObject({ retryAfter: 1 });
  expect(idp.asked).toHaveLength(1);
  idp.answer = () => set(one);
  clock.advance(1000);
  expect(await find("one")).toBe("found");
});

test("an empty key set is accepted, and verifies no token", async () => {
  idp.answer = () => set();
  expect(await find("one")).toBe("CredentialInvalid");
});

test("a client that leaves does not cancel the request that other clients wait for", async () => {
  const leaving = new AbortController();
  let answer = (_: Answer): void => {};
  idp.answer = () => new Promise((resolve) => (answer = resolve));
  const left = keys.find({ algorithm: "ES256", kid: "one" }, leaving.signal);
  const stays = find("one");
  leaving.abort();
  expect(await left).toMatchObject({ reason: "IdentityProviderUnavailable" });
  answer(set(one));
  expect(await stays).toBe("found");
  expect(idp.asked).toHaveLength(1);
});

test("a set without a live session has no timer; one with sessions is refreshed once in an interval", async () => {
  await find("one");
  expect(clock.pending).toBe(0);
  let changes = 0;
  const stops = Array.from({ length: 1000 }, () => keys.watch(() => (changes += 1)));
  expect(clock.pending).toBe(1);
  for (let passed = 0; passed < 10 * REFRESH_INTERVAL; passed += 10_000) {
    clock.advance(10_000);
    await settle();
  }
  expect(idp.asked.length).toBeGreaterThanOrEqual(9);
  expect(idp.asked.length).toBeLessThanOrEqual(12);
  expect(changes).toBe(1000 * (idp.asked.length - 1));
  stops.forEach((stop) => stop());
  expect(clock.pending).toBe(0);
});

test("a watch that is stopped while the issuer is asked leaves no timer", async () => {
  let answer = (_: Answer): void => {};
  idp.answer = () => new Promise((resolve) => (answer = resolve));
  const stop = keys.watch(() => expect.unreachable());
  clock.advance(0);
  await settle();
  expect(idp.asked).toHaveLength(1);
  stop();
  answer(set(one));
  await settle();
  expect(clock.pending).toBe(0);
});

test("with the issuer down the set of a live session is fetched once a minute", async () => {
  idp.answer = () => "ECONNREFUSED";
  const stop = keys.watch(() => {});
  for (let passed = 0; passed < 600_000; passed += 1000) {
    clock.advance(1000);
    await settle();
  }
  expect(idp.asked.length).toBeGreaterThanOrEqual(9);
  expect(idp.asked.length).toBeLessThanOrEqual(12);
  stop();
});

test("a log line holds the issuer and one word for the fault", async () => {
  idp.answer = () => "ECONNREFUSED";
  await find("one");
  expect(logged).toEqual(['key set could not be fetched {"issuer":"https://idp.test/","fault":"ECONNREFUSED"}']);
});

test("a set without a usable key is one warning, whatever the number of its refreshes, and one line says when that is over", async () => {
  const useless = json({
    keys: [
      { kty: "oct", k: "c2VjcmV0" },
      { kty: "oct", k: "b3RoZXI" },
      { ...one.jwk, use: "enc" },
    ],
  });
  idp.answer = () => useless;
  for (let turn = 0; turn < 3; turn += 1) {
    expect(await find("one")).toBe("CredentialInvalid");
    clock.advance(10_000);
  }
  idp.answer = () => "ECONNREFUSED";
  await find("one");
  clock.advance(10_000);
  idp.answer = () => set();
  expect(await find("one")).toBe("CredentialInvalid");
  clock.advance(10_000);
  idp.answer = () => set(one);
  expect(await find("one")).toBe("found");
  const issuer = '"issuer":"https://idp.test/"';
  expect(logged).toEqual([
    `key set has no usable key {${issuer},"fault":"3 keys left out: 2 symmetric, 1 for another use"}`,
    `key set could not be fetched {${issuer},"fault":"ECONNREFUSED"}`,
    `key set fetched again {${issuer}}`,
    `key set has a usable key again {${issuer}}`,
  ]);
});

test("one usable key beside others is no warning", async () => {
  idp.answer = () => json({ keys: [{ kty: "oct", k: "c2VjcmV0" }, one.jwk] });
  expect(await find("one")).toBe("found");
  expect(logged).toEqual([]);
});

test("an unknown kid is asked for first; then the keys without kid are tried, also while the issuer is down", async () => {
  const nameless = new Signer("ES256");
  idp.answer = () => set(one, nameless);
  const found = async (kid: string): Promise<unknown> => {
    const keysFound = await keys.find({ algorithm: "ES256", kid }, signal);
    return Array.isArray(keysFound) ? keysFound.map((key) => key.kid) : keysFound;
  };
  expect(await found("two")).toEqual([undefined]);
  expect(idp.asked).toHaveLength(1);
  idp.answer = () => set(one, nameless, two);
  clock.advance(10_000);
  expect(await found("two")).toEqual(["two"]);
  idp.answer = () => "ECONNREFUSED";
  clock.advance(10_000);
  expect(await found("three")).toEqual([undefined]);
  expect(idp.asked).toHaveLength(3);
  expect(await found("four")).toEqual([undefined]);
  expect(idp.asked).toHaveLength(3);
});

test("while the issuer is down no token waits for it where keys without kid can be tried", async () => {
  const nameless = new Signer("ES256");
  idp.answer = () => set(nameless);
  expect(await find("two")).toBe("found");
  idp.answer = () => "no answer in time";
  clock.advance(10_000);
  expect(await find("two")).toBe("found");
  idp.answer = () => new Promise(() => {});
  clock.advance(10_000);
  expect(await find("two")).toBe("found");
  expect(await find("three")).toBe("found");
  expect(idp.asked).toHaveLength(3);
});

test("a refusal says for the log which key was not found", async () => {
  expect(await keys.find({ algorithm: "ES256", kid: "two" }, signal)).toEqual({
    reason: "CredentialInvalid",
    cause: 'the key set has no key with the kid "two"',
  });
});

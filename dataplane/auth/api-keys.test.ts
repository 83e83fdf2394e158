import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { once } from "../compile-once.ts";
import { Memory } from "../memory.ts";
import { apiKeyVerifier } from "./api-keys.ts";

type Entry = Parameters<typeof apiKeyVerifier>[0]["keys"][number];

const digest = (key: string): string => createHash("sha256").update(key).digest("base64url");
const entry = (key: string, more: Partial<Entry> = {}): Entry => ({
  client: "mobile",
  digest: digest(key),
  disabled: false,
  ...more,
});
const asker = { subject: "192.0.2.1", signal: new AbortController().signal };

function verifier(keys: Entry[], clock = new FakeClock()): ReturnType<typeof apiKeyVerifier> {
  return apiKeyVerifier({ from: [], keys }, { clock, memory: new Memory() });
}

const proof = { method: "apiKey", client: "mobile", digest: digest("right-key") } as const;

const UNKNOWN = { reason: "CredentialInvalid", cause: "no Secret of the route has this API key" };

test("a key gives the name of its client", async () => {
  const keys = [entry("other-key", { client: "web" }), entry("right-key")];
  expect(await verifier(keys).verify("right-key", asker)).toEqual(proof);
});

test.each(["", "wrong-key", "right-key ", "Right-key", "right-ke", digest("right-key")])(
  "%j is no key",
  async (key) => {
    expect(await verifier([entry("right-key")]).verify(key, asker)).toEqual(UNKNOWN);
  },
);

test("without keys no client is let in", async () => {
  expect(await verifier([]).verify("", asker)).toEqual(UNKNOWN);
});

test("a malformed digest matches no key", async () => {
  const broken = entry("x", { digest: "!".repeat(43) });
  expect(await verifier([broken]).verify("", asker)).toEqual(UNKNOWN);
});

test("a disabled key is revoked", async () => {
  const keys = [entry("right-key", { disabled: true })];
  expect(await verifier(keys).verify("right-key", asker)).toEqual({
    reason: "CredentialRevoked",
    cause: "the API key of the client mobile is disabled",
  });
});

test("a key expires at its time, whatever the time zone it is written in", async () => {
  const clock = new FakeClock();
  const at = new Date(clock.wall() + 1000 + 7_200_000).toISOString().replace("Z", "+02:00");
  const keys = verifier([entry("right-key", { expiresAt: at })], clock);
  expect(await keys.verify("right-key", asker)).toEqual(proof);
  clock.advance(999);
  expect(await keys.verify("right-key", asker)).toEqual(proof);
  clock.advance(1);
  expect(await keys.verify("right-key", asker)).toEqual({
    reason: "CredentialExpired",
    cause: `the API key of the client mobile expired at ${at}`,
  });
});

test("of two clients with one key the first wins", async () => {
  const keys = [entry("right-key"), entry("right-key", { client: "web" })];
  expect(await verifier(keys).verify("right-key", asker)).toEqual(proof);
});

test.each<[string, Entry[], string | undefined]>([
  ["holds while its key is there", [entry("right-key")], undefined],
  ["ends when its key is gone", [entry("other-key")], "CredentialRevoked"],
  ["ends when its key is disabled", [entry("right-key", { disabled: true })], "CredentialRevoked"],
  ["ends when its key is another client's", [entry("right-key", { client: "web" })], "CredentialRevoked"],
  ["ends when its key has expired", [entry("right-key", { expiresAt: "2020-01-01T00:00:00Z" })], "CredentialExpired"],
  ["holds while its key is yet to expire", [entry("right-key", { expiresAt: "2030-01-01T00:00:00Z" })], undefined],
])("after a config change a session %s", (_, keys, reason) => {
  expect(verifier(keys).review(proof)?.reason).toBe(reason);
});

test("a live session ends when its key expires, and not before", () => {
  const clock = new FakeClock();
  const expiresAt = new Date(clock.wall() + 3_600_000).toISOString();
  const ended: string[] = [];
  verifier([entry("right-key", { expiresAt })], clock).watch(proof, ({ reason }) => ended.push(reason));
  clock.advance(3_599_999);
  expect(ended).toEqual([]);
  clock.advance(1);
  expect(ended).toEqual(["CredentialExpired"]);
  expect(clock.pending).toBe(0);
});

test("a key that never expires starts no timer, and a watch that is stopped leaves none", () => {
  const clock = new FakeClock();
  verifier([entry("right-key")], clock).watch(proof, () => {});
  expect(clock.pending).toBe(0);
  const stop = verifier([entry("right-key", { expiresAt: "2030-01-01T00:00:00Z" })], clock).watch(proof, () => {});
  clock.advance(100_000);
  stop();
  expect(clock.pending).toBe(0);
});

test("a wall clock that is set forward past the expiry ends the session within a second", () => {
  const clock = new FakeClock();
  const ended: string[] = [];
  const keys = verifier([entry("right-key", { expiresAt: "2030-01-01T00:00:00Z" })], clock);
  keys.watch(proof, ({ reason }) => ended.push(reason));
  clock.stepWall(10 * 365 * 86_400_000);
  clock.advance(999);
  expect(ended).toEqual(["CredentialExpired"]);
});

test("10,000 keys that share a prefix are compiled and looked up fast", async () => {
  const all = Array.from({ length: 10_000 }, (_, index) => `prefix-prefix-prefix-${index}`);
  const entries = all.map((key) => entry(key));
  const began = performance.now();
  const keys = verifier(entries);
  for (const key of all) await keys.verify(key, asker);
  expect(performance.now() - began).toBeLessThan(2000);
});

test("routes that share a list of keys share its table", async () => {
  const [keys, memory] = [[entry("right-key")], new Memory()];
  const [first, second] = [1, 2].map(() => {
    const made = apiKeyVerifier({ from: [], keys }, { clock: new FakeClock(), memory });
    memory.commit();
    return { made, table: once<unknown>(memory, "api keys", keys, () => undefined) };
  });
  expect(first?.table).toBeDefined();
  expect(second?.table).toBe(first?.table);
  expect(await second?.made.verify("right-key", asker)).toEqual(proof);
});

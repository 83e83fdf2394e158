import { beforeEach, expect, test } from "vitest";
import { AuthBench, json, ScriptedIdp, settings, settle } from "../../test/fakes/idp-bench.ts";
import type { Answer } from "./guarded-fetch.ts";
import { introspectionVerifier } from "./introspection.ts";
import type { ProofOf, Verifier } from "./verifier.ts";

const base = {
  endpoint: "https://idp.test/introspect",
  credentials: { username: "gate way", password: "p:w+" },
  cache: "30s",
  recheck: "30s",
};
const asker = { subject: "192.0.2.1", signal: new AbortController().signal };

let bench: AuthBench;
let idp: ScriptedIdp;
let active: Record<string, unknown>;

beforeEach(() => {
  bench = new AuthBench();
  active = { active: true, client_id: "mobile", scope: "a b", exp: bench.clock.wall() / 1000 + 3600 };
  idp = new ScriptedIdp(() => json(active));
});

function compile(change: Record<string, unknown> = {}): Verifier<"introspection"> {
  const compiled = settings({ introspection: { ...base, ...change } });
  if (compiled.introspection === undefined) throw new Error("no introspection");
  return introspectionVerifier(compiled.introspection, bench.context(), idp.fetch);
}

async function admitted(verifier: Verifier<"introspection">): Promise<ProofOf<"introspection">> {
  const outcome = await verifier.verify("opaque", asker);
  if ("reason" in outcome) throw new Error(outcome.reason);
  return outcome;
}

const HOUR = 3_600_000;

async function leap(ms: number): Promise<void> {
  bench.clock.advance(ms);
  await settle();
}

/** Watches a new session; moves time in steps small enough for each recheck to be answered. */
async function live(verifier: Verifier<"introspection">): Promise<{
  ended: string[];
  stop: () => void;
  pass: (ms: number) => Promise<void>;
}> {
  const proof = await admitted(verifier);
  const ended: string[] = [];
  const stop = verifier.watch(proof, ({ reason }) => ended.push(reason));
  const pass = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 500) {
      bench.clock.advance(Math.min(left, 500));
      await settle();
    }
  };
  return { ended, stop, pass };
}

test("a live session's token is asked about every recheck, or up to a tenth more often", async () => {
  const { ended, stop, pass } = await live(compile());
  await pass(300_000);
  expect(idp.asked.length - 1).toBeGreaterThanOrEqual(9);
  expect(idp.asked.length - 1).toBeLessThanOrEqual(11);
  expect(ended).toEqual([]);
  stop();
  expect(bench.clock.pending).toBe(0);
});

test.each<[string, () => Answer, string]>([
  ["is revoked", () => json({ active: false }), "CredentialRevoked"],
  ["has lost a scope", () => json({ ...active, scope: "b" }), "ScopeMissing"],
  ["is another client's", () => json({ ...active, client_id: "web" }), "CredentialRevoked"],
  ["is no client's", () => json({ ...active, client_id: undefined }), "CredentialRevoked"],
  ["has expired early", () => json({ ...active, exp: 1 }), "CredentialExpired"],
])("a live session ends at the next recheck when its token %s", async (_, answer, wanted) => {
  const { ended, pass } = await live(compile({ requiredScopes: ["a"] }));
  idp.answer = answer;
  await pass(26_500);
  expect(ended).toEqual([]);
  await pass(3500);
  expect(ended).toEqual([wanted]);
});

test("E22: a live session ends at exp, whatever the rechecks", async () => {
  active = { ...active, exp: bench.clock.wall() / 1000 + 45 };
  const { ended, pass, stop } = await live(compile());
  await pass(44_500);
  expect(ended).toEqual([]);
  await pass(1500);
  expect(ended).toEqual(["CredentialExpired"]);
  stop();
  expect(bench.clock.pending).toBe(0);
});

test("a wall clock that is set past exp ends a live session within a second, and no issuer is asked for it", async () => {
  const { ended, stop } = await live(compile({ recheck: "1h" }));
  const asked = idp.asked.length;
  bench.clock.stepWall(HOUR);
  bench.clock.advance(999);
  expect(ended).toEqual(["CredentialExpired"]);
  expect(idp.asked.length).toBe(asked);
  stop();
  expect(bench.clock.pending).toBe(0);
});

test("a token that was prolonged lives as long as the newest answer says", async () => {
  active = { ...active, exp: bench.clock.wall() / 1000 + 45 };
  const { ended, pass, stop } = await live(compile());
  active = { ...active, exp: bench.clock.wall() / 1000 + 100 };
  await pass(99_500);
  expect(ended).toEqual([]);
  await pass(1500);
  expect(ended).toEqual(["CredentialExpired"]);
  stop();
});

test("an inactive token whose exp has passed has expired", async () => {
  active = { ...active, exp: bench.clock.wall() / 1000 + 3600 };
  const { ended, pass } = await live(compile());
  idp.answer = () => {
    bench.clock.stepWall(3_600_000); // the answer is there before the step is noticed
    return json({ active: false });
  };
  await pass(30_000);
  expect(ended[0]).toBe("CredentialExpired");
});

test("with the endpoint down a session stays for a day, then it is revoked", async () => {
  active = { active: true, client_id: "mobile" };
  const { ended } = await live(compile({ recheck: "1h" }));
  idp.answer = () => "ECONNREFUSED";
  for (let hour = 0; hour < 24; hour += 1) await leap(HOUR);
  expect(ended).toEqual([]);
  await leap(HOUR);
  await leap(HOUR);
  expect(ended).toEqual(["CredentialRevoked"]);
});

test("an outage that ends in time leaves no trace", async () => {
  const { ended, pass, stop } = await live(compile());
  for (let round = 0; round < 3; round += 1) {
    idp.answer = () => "ECONNREFUSED";
    await pass(250_000);
    idp.answer = () => json(active);
    await pass(60_000);
  }
  expect(ended).toEqual([]);
  stop();
});

test("config changes put no recheck off", async () => {
  const proof = await admitted(compile());
  const ended: string[] = [];
  idp.answer = () => json({ active: false });
  for (let second = 0; second < 30 && ended.length === 0; second += 1) {
    const stop = compile().watch(proof, ({ reason }) => ended.push(reason));
    bench.clock.advance(1000);
    await settle();
    stop();
  }
  expect(ended).toEqual(["CredentialRevoked"]);
});

test("a config change judges by the newest answer", async () => {
  const verifier = compile();
  const proof = await admitted(verifier);
  const stop = verifier.watch(proof, () => expect.unreachable());
  active = { ...active, scope: "b" };
  bench.clock.advance(30_000);
  await settle();
  expect(compile({ requiredScopes: ["a"] }).review(proof)?.reason).toBe("ScopeMissing");
  expect(compile({ requiredScopes: ["b"] }).review(proof)).toBeUndefined();
  stop();
});

test("a session that ends while its token is asked about is left alone", async () => {
  const verifier = compile();
  const proof = await admitted(verifier);
  let answer = (_: Answer): void => {};
  idp.answer = () => new Promise((resolve) => (answer = resolve));
  const stop = verifier.watch(proof, () => expect.unreachable());
  bench.clock.advance(30_000);
  await settle();
  stop();
  answer(json({ active: false }));
  await settle();
  expect(bench.clock.pending).toBe(0);
});

test("a session that a remembered answer opened is rechecked as late as if it had been asked for itself", async () => {
  await admitted(compile());
  bench.clock.advance(29_000);
  const { ended, pass } = await live(compile());
  idp.answer = () => json({ active: false });
  await pass(1000);
  expect(ended).toEqual(["CredentialRevoked"]);
});

test("100 sessions of one token cost no more questions than two", async () => {
  const verifier = compile();
  const stops: (() => void)[] = [];
  for (let index = 0; index < 100; index += 1) stops.push((await live(verifier)).stop);
  const { pass } = await live(verifier);
  await pass(300_000);
  expect(idp.asked.length).toBeLessThanOrEqual(1 + 2 * 11);
  stops.forEach((stop) => stop());
});

test("no flood of made-up tokens hides a revocation", async () => {
  const { ended, pass } = await live(compile());
  idp.answer = ({ body }) =>
    body?.endsWith("=opaque") === true ? json({ active: false }) : new Promise<Answer>(() => {});
  for (let index = 0; index < 1000; index += 1) void compile().verify(`made-up-${index}`, asker);
  await pass(30_000);
  expect(ended).toEqual(["CredentialRevoked"]);
});

test("with rechecks beyond number each waits for its turn", async () => {
  const answers: ((answer: Answer) => void)[] = [];
  const ended: string[] = [];
  const verifier = compile();
  const stops: (() => void)[] = [];
  for (let index = 0; index < 100; index += 1) {
    const proof = await verifier.verify(`token-${index}`, asker);
    if ("reason" in proof) throw new Error(proof.reason);
    stops.push(verifier.watch(proof, ({ reason }) => ended.push(reason)));
  }
  idp.answer = () => new Promise((resolve) => answers.push(resolve));
  bench.clock.advance(30_000);
  await settle();
  expect(answers).toHaveLength(64);
  for (let index = 0; index < 100; index += 1) {
    answers[index]?.(json({ active: false }));
    await settle();
  }
  expect(answers).toHaveLength(100);
  expect(ended).toEqual(Array(100).fill("CredentialRevoked"));
});

test("where the config names another endpoint, it is asked at once", async () => {
  const proof = await admitted(compile());
  idp.answer = ({ url }) => json(url === base.endpoint ? active : { active: false });
  const moved = compile({ endpoint: "https://other.test/introspect" });
  const ended: string[] = [];
  expect(moved.review(proof)).toBeUndefined();
  moved.watch(proof, ({ reason }) => ended.push(reason));
  bench.clock.advance(0);
  await settle();
  expect(ended).toEqual(["CredentialRevoked"]);
});

test("where the config names another client claim, no session ends", async () => {
  active = { ...active, username: "alice" };
  const proof = await admitted(compile());
  const stop = compile({ clientClaim: "username" }).watch(proof, () => expect.unreachable());
  bench.clock.advance(30_000);
  await settle();
  expect(idp.asked).toHaveLength(2);
  stop();
});

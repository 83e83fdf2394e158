import { expect, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { json, ScriptedIdp } from "../../test/fakes/idp-bench.ts";
import { Introspector } from "./introspector.ts";

const ENDPOINT = {
  url: "https://idp.test/introspect",
  allowHttp: false,
  credentials: { username: "a", password: "b" },
};
const silent = { debug() {}, info() {}, warn() {}, error() {} };
const HOUR = 3_600_000;

function bench(answer: object): { idp: ScriptedIdp; ask: (token: string) => Promise<unknown> } {
  const idp = new ScriptedIdp(() => json(answer));
  const introspector = new Introspector(idp.fetch, new FakeClock(), silent);
  return {
    idp,
    ask: (token) =>
      introspector.ask(token, ENDPOINT, HOUR, { subject: "192.0.2.1", signal: new AbortController().signal }),
  };
}

test("the answers about 10,000 tokens are remembered; one more, and the one used longest ago is asked about again", async () => {
  const { idp, ask } = bench({ active: true, client_id: "mobile" });
  for (let n = 0; n < 10_000; n += 1) await ask(`token-${n}`);
  await ask("token-0");
  expect(idp.asked.length).toBe(10_000);
  await ask("one more");
  await ask("token-0");
  expect(idp.asked.length).toBe(10_001);
  await ask("token-1");
  expect(idp.asked.length).toBe(10_002);
});

test("of large answers 32 MiB are remembered in all", async () => {
  const { idp, ask } = bench({ active: true, client_id: "mobile", filler: "x".repeat(250_000) });
  for (let n = 0; n < 140; n += 1) await ask(`token-${n}`);
  expect(idp.asked.length).toBe(140);
  await ask("token-139");
  await ask("token-10"); // 130 newer ones are remembered, of 250 kB each
  expect(idp.asked.length).toBe(140);
  await ask("token-0");
  expect(idp.asked.length).toBe(141);
});

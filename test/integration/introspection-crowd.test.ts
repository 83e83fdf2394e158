import { afterEach, beforeEach, expect, test } from "vitest";
import { RawBackend } from "../fakes/backends.ts";
import { RawClient, reasonOf } from "../fakes/clients.ts";
import { FakeClock } from "../fakes/clock.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { headOf } from "../fakes/pending.ts";
import { SlowIssuer } from "../fakes/slow-issuer.ts";
import { until } from "../fakes/sockets.ts";

let backend: RawBackend;
let gateway: TestGateway;
let issuer: SlowIssuer;
let clients: RawClient[];

beforeEach(async () => {
  clients = [];
  backend = await new RawBackend().open();
  issuer = await new SlowIssuer().open();
  issuer.isInactive = (token) => token.startsWith("made-up");
  gateway = new TestGateway(new FakeClock(Date.now()));
  const policies = { authentication: issuer.policy };
  await gateway.serve({ trustedProxies: ["127.0.0.1"], routes: [{ policies }] }, [backend.port]);
});
afterEach(async () => {
  for (const { socket } of clients) socket.destroy();
  await gateway.close();
  await backend.close();
  await issuer.close();
});

async function come(address: string, token: string): Promise<RawClient> {
  const head = headOf({ address, headers: { Authorization: `Bearer ${token}` } });
  const client = await RawClient.send(gateway.port, head);
  clients.push(client);
  return client;
}

/** So many made-up tokens of each address, all of which have arrived. */
async function flood(addresses: readonly string[], each: number): Promise<RawClient[]> {
  const before = gateway.attempts;
  const crowd: RawClient[] = [];
  for (let index = 0; index < each; index += 1) {
    for (const address of addresses) crowd.push(await come(address, `made-up-${address}-${index}`));
  }
  const answered = (): number => crowd.filter(({ ended }) => ended).length;
  await until("all of the flood is here", () => gateway.attempts - before + answered() >= crowd.length);
  return crowd;
}

/** A client of each of twenty other addresses, its token good. */
async function honest(): Promise<RawClient[]> {
  const some: RawClient[] = [];
  for (let index = 0; index < 20; index += 1) some.push(await come(`198.51.100.${index}`, `good-${index}`));
  return some;
}

async function getIn(some: readonly RawClient[]): Promise<void> {
  const statuses = await Promise.all(some.map((client) => client.answer().then(({ status }) => status)));
  expect(statuses).toEqual(some.map(() => 101));
}

test("while one address floods made-up tokens that are not answered, clients of other addresses get in at once", async () => {
  const crowd = await flood(["192.0.2.1"], 500);
  expect([issuer.waiting, gateway.attempts]).toEqual([128, 384]);
  const refused = await crowd.find(({ ended }) => ended)?.answer();
  expect(refused && [refused.status, reasonOf(refused), refused.headers.get("retry-after")]).toEqual([
    ...[503, "IdentityProviderUnavailable", "1"],
  ]);
  issuer.hold((token) => token.startsWith("made-up"));
  await getIn(await honest());
  expect(await gateway.metric("introspection_not_asked_total", { reason: "TooManyWaiting" })).toBe(116);
});

test("while forty addresses flood made-up tokens, a client of another one waits for one turn of each, not for all", async () => {
  await flood(
    Array.from({ length: 40 }, (_, index) => `192.0.2.${index}`),
    20,
  );
  expect([issuer.waiting, gateway.attempts]).toEqual([256, 800]);
  const some = await honest();
  await until("all are here", () => gateway.attempts === 820);
  issuer.hold((token) => token.startsWith("made-up"));
  // 544 of the flood wait in front of them; each answer lets one question go.
  const start = issuer.asked;
  while (some.some(({ answered }) => !answered) && issuer.asked - start < 100) {
    const before = issuer.asked;
    issuer.answer();
    await until("the next one is asked about", () => issuer.asked > before);
  }
  await getIn(some);
});

test("a client that leaves the line gives its slot back, and is not asked about", async () => {
  const [first] = await flood(["192.0.2.1"], 128);
  const leaving = await come("192.0.2.1", "good-leaving");
  const next = await come("192.0.2.1", "good-next");
  await until("both wait", () => gateway.attempts === 130);
  leaving.socket.destroy();
  await until("it has left", () => gateway.attempts === 129);
  issuer.answer();
  await until("the next one is asked about", () => issuer.asked === 129);
  expect((await first?.answer())?.status).toBe(401);
  issuer.release();
  await getIn([next]);
  expect(issuer.asked).toBe(129);
});

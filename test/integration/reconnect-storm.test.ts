import { expect, test } from "vitest";
import { RawBackend, polite } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { Crowd, type Outcome } from "../fakes/crowd.ts";
import { TestGateway } from "../fakes/gateway.ts";
import { until } from "../fakes/sockets.ts";
import { Stormed, type Probes } from "../fakes/stormed.ts";

/** Clients that come at once. Their TLS costs this machine more than ours: WSPROXY_STORM=8000 has as many of them. */
const CLIENTS = 8000;
const TLS_CLIENTS = Number(process.env["WSPROXY_STORM"] ?? 1500);
const MINUTES = 60_000;

const allIn = (clients: number): object => ({ accepted: clients, refused: 0, cut: 0, waiting: 0 });

/** Each was answered well, and nearly all as soon as a kubelet wants it; a busy machine may delay a few. */
function expectProbes({ failures, times }: Probes): void {
  expect(failures).toEqual([]);
  const sorted = times.toSorted((a, b) => a - b);
  expect(sorted[Math.floor(sorted.length * 0.9)]).toBeLessThan(250);
  expect(sorted.at(-1)).toBeLessThan(1000);
}

test.each<[string, { tls: boolean; addresses: number; clients: number }]>([
  ["ws, from one trusted proxy", { tls: false, addresses: 1, clients: CLIENTS }],
  ["ws, from 2,000 addresses", { tls: false, addresses: 2000, clients: CLIENTS }],
  ["wss, from one trusted proxy", { tls: true, addresses: 1, clients: TLS_CLIENTS }],
  ["wss, from 2,000 addresses", { tls: true, addresses: 2000, clients: TLS_CLIENTS }],
])(
  "of thousands that connect at once over %s, all get in, and the probes are answered meanwhile",
  async (_what, { tls, addresses, clients }) => {
    // Longer than by default: on a busy machine it is the clients' process that needs so long.
    const it = await Stormed.start({ tls, trustedProxies: addresses === 1 ? ["127.0.0.1"] : [], handshake: "1m" });
    const crowd = await Crowd.gather({ port: it.port, clients, addresses, tls });
    const probes = it.probe();
    const outcome = await crowd.come();
    const asked = await probes.stop();
    expect(outcome).toMatchObject(allIn(clients));
    expect(await it.metric("connections")).toBe(clients);
    expect(await it.metric("evicted_sockets_total")).toBe(0);
    expectProbes(asked);
    await crowd.leave();
    await until("all have left", async () => (await it.metric("descriptors_used")) === 0, 30_000);
  },
  2 * MINUTES,
);

test(
  "4,000 silent sockets of 10 addresses do not delay 1,000 honest clients, and are told that they were late",
  async () => {
    const it = await Stormed.start({ handshake: "10s" });
    const honest = async (): Promise<Outcome> => {
      const crowd = await Crowd.gather({ port: it.port, clients: 1000, addresses: 200, network: 2 });
      const outcome = await crowd.come();
      await crowd.leave();
      await until("they have left", async () => (await it.metric("connections")) === 0, 20_000);
      return outcome;
    };
    const before = await honest();
    const silent = await Crowd.gather({ port: it.port, clients: 4000, addresses: 10, silent: true });
    silent.comeSilently();
    await until("they are there", async () => (await it.metric("waiting_sockets")) > 3900, 20_000);
    const beside = await honest();
    expect(beside).toMatchObject(allIn(1000));
    expect(beside.slowest).toBeLessThan(Math.max(2000, 2 * before.slowest));
    expect(await it.metric("evicted_sockets_total")).toBe(0);
  },
  MINUTES,
);

test(
  "those that send a part of a head are neither evicted nor in the way: each gets its 408 when its time is over",
  async () => {
    const it = await Stormed.start({ handshake: "3s" });
    const slow = await Crowd.gather({ port: it.port, clients: 1500, addresses: 1, silent: true, first: "GET / HT" });
    const late = slow.come();
    await until("many are there", async () => (await it.metric("waiting_sockets")) > 500, 30_000);
    const honest = await Crowd.gather({ port: it.port, clients: 100, addresses: 20, network: 2 });
    expect(await honest.come()).toMatchObject(allIn(100));
    expect(await late).toMatchObject({ accepted: 0, refused: 1500, cut: 0, answers: { "408": 1500 } });
    expect(await it.metric("evicted_sockets_total")).toBe(0);
    expect(await it.metric("waiting_sockets")).toBe(0);
  },
  MINUTES,
);

test("those that wait unread when the process stops get their 503", async () => {
  const backend = await new RawBackend(polite).open();
  const gateway = await new TestGateway().serve({}, [backend.port]);
  const slow = await Promise.all(Array.from({ length: 1024 }, () => RawClient.send(gateway.port, "GET / HT")));
  await until("they are read", async () => (await gateway.metric("waiting_sockets", { state: "reading" })) === 1024);
  const unread = await Promise.all(Array.from({ length: 20 }, () => RawClient.send(gateway.port, request())));
  await until("they wait", async () => (await gateway.metric("waiting_sockets", { state: "unread" })) === 20);
  const stop = new AbortController();
  const drained = gateway.gateway.drain(0, stop.signal);
  for (const client of unread) {
    const answer = await client.answer();
    expect([answer.status, reasonOf(answer)]).toEqual([503, "Draining"]);
  }
  expect(slow.some(({ closed, ended }) => closed || ended)).toBe(false);
  stop.abort();
  await drained;
  await until("the others are closed", () => slow.every(({ closed, ended }) => closed || ended));
  expect(await gateway.metric("evicted_sockets_total", { reason: "Stopping" })).toBe(1024);
  await backend.close();
});

import { expect, test } from "vitest";
import { RawBackend, polite } from "../fakes/backends.ts";
import { RawClient, reasonOf, request } from "../fakes/clients.ts";
import { Crowd, type Outcome } from "../fakes/crowd.ts";
import { TestGateway } from "../fakes/gateway.ts";
import type { Health } from "../fakes/kubelet.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";
import { Stormed } from "../fakes/stormed.ts";

const CLIENTS = 8000;
/** In ms: what a single turn of the event loop, and a kubelet's probe, may take in the best of some storms. */
const BOUND = 250;
/** In ms: how much later honest clients may all be in beside silent ones. Behind those they would wait for 10 s. */
const LATER = 1500;
const MINUTES = 60_000;

const allIn = (clients: number): object => ({ accepted: clients, refused: 0, cut: 0, waiting: 0 });

/**
 * The longest turn of the event loop since `health` was started, or what delayed a probe longer, in ms of CPU time; and
 * what the probes took while the process had its core. Each probe was answered.
 */
async function longestOf(it: Stormed, health: { stop: () => Promise<Health> }): Promise<number> {
  const { failures, own, unhindered } = await health.stop();
  expect(failures).toEqual([]);
  expect(own.length).toBeGreaterThan(3);
  return Math.max((await it.program.probe()).longest, ...own, ...unhindered);
}

test.each<[string, { tls: boolean; addresses: number }]>([
  ["ws, from one trusted proxy", { tls: false, addresses: 1 }],
  ["ws, from 2,000 addresses", { tls: false, addresses: 2000 }],
  ["wss, from one trusted proxy", { tls: true, addresses: 1 }],
  ["wss, from 2,000 addresses", { tls: true, addresses: 2000 }],
])(
  "of thousands that connect at once over %s, all get in, and neither that nor their end holds up a probe",
  async (_what, { tls, addresses }) => {
    const storm = async (): Promise<{ coming: number; leaving: number }> => {
      // Longer than by default: on a busy machine it is the clients' process that needs so long.
      const it = await Stormed.start({ tls, trustedProxies: addresses === 1 ? ["127.0.0.1"] : [], handshake: "1m" });
      const crowd = await Crowd.gather({ port: it.port, clients: CLIENTS, addresses, tls });
      await it.program.probe("reset");
      const health = it.watchHealth();
      expect(await crowd.come()).toMatchObject(allIn(CLIENTS));
      expect(await it.metric("connections")).toBe(CLIENTS);
      expect(await it.metric("evicted_sockets_total")).toBe(0);
      const coming = await longestOf(it, health);
      await it.program.probe("reset");
      const left = it.watchHealth();
      await crowd.leave();
      await until("all have left", async () => (await it.metric("descriptors_used")) === 0, 30_000);
      return { coming, leaving: await longestOf(it, left) };
    };
    expect(await tooMuchInEachRound({ coming: BOUND, leaving: BOUND }, storm)).toEqual({});
  },
  4 * MINUTES,
);

test(
  "4,000 silent sockets of 10 addresses do not delay 1,000 honest clients, and are told that they were late",
  async () => {
    const besideSilence = async (): Promise<{ beside: number; later: number }> => {
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
      await it.program.probe("reset");
      const health = it.watchHealth();
      silent.comeSilently();
      await until("they are there", async () => (await it.metric("waiting_sockets")) > 3900, 20_000);
      const beside = await honest();
      expect(beside).toMatchObject(allIn(1000));
      const longest = await longestOf(it, health);
      const late = async (): Promise<number> => (await silent.count()).answers["408"] ?? 0;
      await until("each silent socket has its 408", async () => (await late()) === 4000, 30_000);
      expect(await it.metric("evicted_sockets_total")).toBe(0);
      return { beside: longest, later: beside.slowest - before.slowest };
    };
    expect(await tooMuchInEachRound({ beside: BOUND, later: LATER }, besideSilence)).toEqual({});
  },
  3 * MINUTES,
);

test(
  "those that send a part of a head are neither evicted nor in the way: each gets its 408 when its time is over",
  async () => {
    const besideSlowHeads = async (): Promise<{ beside: number }> => {
      const it = await Stormed.start({ handshake: "3s" });
      const slow = await Crowd.gather({ port: it.port, clients: 1500, addresses: 1, silent: true, first: "GET / HT" });
      await it.program.probe("reset");
      const health = it.watchHealth();
      const late = slow.come();
      await until("many are there", async () => (await it.metric("waiting_sockets")) > 500, 30_000);
      const honest = await Crowd.gather({ port: it.port, clients: 100, addresses: 20, network: 2 });
      expect(await honest.come()).toMatchObject(allIn(100));
      expect(await late).toMatchObject({ accepted: 0, refused: 1500, cut: 0, answers: { "408": 1500 } });
      expect(await it.metric("evicted_sockets_total")).toBe(0);
      expect(await it.metric("waiting_sockets")).toBe(0);
      return { beside: await longestOf(it, health) };
    };
    expect(await tooMuchInEachRound({ beside: BOUND }, besideSlowHeads)).toEqual({});
  },
  2 * MINUTES,
);

test("sockets that wait unread when the process stops get 503", async () => {
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

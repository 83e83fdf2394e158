import { createClient } from "@redis/client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { HandshakeLoad } from "../fakes/handshake-load.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";
import { Fleet, fleetRoute, type FleetPod } from "../fakes/store-fleet.ts";
import { now } from "../fakes/visits.ts";
import { placesHeld } from "../store/places-held.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

// A store that misbehaves under handshakes: one gateway decides by itself meanwhile, the other refuses.

const MINUTES = 60_000;
/** Sessions that stay open all the time, on each gateway. */
const STAYING = 10;
/** Handshakes a second, of both gateways; of the longest fault as many as the machine can, up to so many. */
const RATE = 150;
const HIGH_RATE = 1000;
/** CPU time of a turn of the event loop, in ms: nothing in it waits for a store. */
const TURN = 100;
/** In ms: the deadline of one question is 50, and 250 where answers come meanwhile; most handshakes wait for none. */
const SLOWEST = 300;
const MEDIAN = 10;

let store: StoreServer;
let other: StoreServer;
let backend: EchoBackend;
let fleet: Fleet;
let perPod: FleetPod;
let refusing: FleetPod;

interface Fault {
  readonly begin: () => Promise<unknown>;
  readonly end?: () => Promise<unknown>;
  /** How long it lasts, in ms. */
  readonly ms: number;
  readonly rate?: number;
  /** The gateways need not notice, or may notice more than once. */
  readonly flickers?: boolean;
}

const config = (...words: readonly string[]): Promise<unknown> => store.ask("CONFIG", "SET", ...words);
const each = (act: (pod: FleetPod) => Promise<unknown>): Promise<unknown> => Promise.all(fleet.pods.map(act));

const KILL = ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"];

/** Commands over one connection. */
async function as(password: string | undefined, ...commands: readonly string[][]): Promise<void> {
  const client = createClient({ ...(password !== undefined && { password }), socket: { port: store.port } });
  await client.connect();
  for (const command of commands) await client.sendCommand(command);
  client.destroy();
}

const FAULTS: Readonly<Record<string, Fault>> = {
  "freezes for 10 s": {
    ...{ begin: async () => store.freeze(), end: async () => store.thaw(), ms: 10_000, rate: HIGH_RATE },
  },
  "is killed and comes back empty": { begin: () => store.kill(), end: () => store.again(), ms: 1000 },
  "closes all connections": { begin: () => as(undefined, KILL), ms: 300, flickers: true },
  "forgets its scripts": { begin: () => store.ask("SCRIPT", "FLUSH"), ms: 300, flickers: true },
  "is out of memory": { begin: () => config("maxmemory", "1"), end: () => config("maxmemory", "0"), ms: 1000 },
  "answers 200 ms late": {
    begin: () => each(({ relay }) => relay.latency(100)),
    end: () => each(({ relay }) => relay.heal()),
    ms: 1500,
  },
  "loses a packet in ten": {
    begin: () => each(({ relay }) => relay.loss(0.1)),
    end: () => each(({ relay }) => relay.heal()),
    ms: 2000,
    flickers: true,
  },
  "can be reached by new connections only": { begin: () => each(({ relay }) => relay.lose()), ms: 4500 },
  "has become a replica that takes no writes": {
    begin: () => store.ask("REPLICAOF", "127.0.0.1", String(other.port)),
    end: () => store.ask("REPLICAOF", "NO", "ONE"),
    ms: 1000,
  },
  "wants another password": {
    begin: () => as(undefined, ["CONFIG", "SET", "requirepass", "another"], KILL),
    end: () => as("another", ["CONFIG", "SET", "requirepass", ""]),
    ms: 1000,
  },
};

describe.skipIf(STORE_LACKS !== undefined)("handshakes and sessions while the store", () => {
  beforeAll(async () => {
    store = await StoreServer.start();
    other = await StoreServer.start();
    backend = await new EchoBackend().open();
    const route = (name: string): ReturnType<typeof fleetRoute> =>
      fleetRoute(name, { connections: [{ per: "Client", limit: 10_000 }] });
    fleet = await Fleet.start({
      ...{ pods: 2, store, settings: { whenUnavailable: "PerPod" } },
      ...{ routes: [route("passing"), route("staying")], backends: [backend.port] },
    });
    [perPod, refusing] = fleet.pods as [FleetPod, FleetPod];
    await refusing.gateway.configure(fleet.config(refusing.relay.address, { whenUnavailable: "Refuse" }));
    await fleet.counts();
    for (const pod of fleet.pods)
      for (let n = 0; n < STAYING; n += 1) expect((await pod.visit("client-0", "/staying")).status).toBe(101);
  }, MINUTES);
  afterAll(async () => {
    await fleet.close();
    backend.close();
    await store.close();
    await other.close();
  });

  test.each(Object.entries(FAULTS))(
    "%s",
    async (_what, fault) => {
      const { ms, rate = RATE, flickers = false } = fault;
      // What was under way until the breaker opened, and a few looks a second.
      const waited = flickers ? Number.POSITIVE_INFINITY : rate * 0.15 + 20 + (ms / 1000) * 8;
      // Only a store that is bad until its fault ends is unavailable all the time; where it is back meanwhile, a machine
      // that is full may make it late again.
      const lines = flickers ? Number.POSITIVE_INFINITY : fault.end === undefined ? 10.5 : 2.5;
      // A machine that is full keeps most of them waiting for itself: what waited for the store is counted.
      const most = rate > RATE ? Number.POSITIVE_INFINITY : MEDIAN;
      const bounds = {
        turn: TURN,
        median: most,
        slowest: rate > RATE ? Number.POSITIVE_INFINITY : SLOWEST,
        waited,
        lines,
      };
      expect(await tooMuchInEachRound(bounds, () => under(fault))).toEqual({});
    },
    4 * MINUTES,
  );
});

/** One time of a fault under handshakes: what must hold on any machine is expected; the figures are the worst of the two gateways. */
async function under({
  begin,
  end,
  ms,
  rate = RATE,
  flickers = false,
}: Fault): Promise<Record<"turn" | "median" | "slowest" | "waited" | "lines", number>> {
  await fleet.counts();
  for (const pod of fleet.pods) pod.lines.length = 0;
  await each(({ gateway }) => gateway.longestTurn());
  const unansweredBefore = await Promise.all(fleet.pods.map((pod) => pod.unanswered()));
  const load = new HandshakeLoad(fleet.pods, rate);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const from = now();
  await begin();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const meanwhile = await Promise.all(fleet.pods.map((pod) => pod.available()));
  const to = now();
  await end?.();
  try {
    await fleet.counts(MINUTES);
  } finally {
    await load.stop();
  }

  const during = load.answered.filter(({ visit }) => visit.asked > from && visit.asked < to);
  const answers = (pod: FleetPod): string[] => [
    ...new Set(during.filter((one) => one.pod === pod).map(({ visit }) => `${visit.status} ${visit.reason ?? ""}`)),
  ];
  expect(during.length).toBeGreaterThan(ms / 50);
  expect(answers(perPod)).toEqual(["101 "]);
  expect(answers(refusing).filter((one) => one !== "101 " && one !== "503 StoreUnavailable")).toEqual([]);
  if (!flickers) expect(answers(refusing)).toContain("503 StoreUnavailable");
  if (!flickers && end !== undefined) expect(meanwhile).toEqual([false, false]);
  await until("the store counts what stays", async () => String(await placesHeld(store)) === String(2 * STAYING));
  const figures = await Promise.all(
    fleet.pods.map(async (pod, n) => {
      expect(pod.lost).toEqual([]);
      await pod.listen();
      return {
        turn: await pod.gateway.longestTurn(),
        waited: (await pod.unanswered()) - (unansweredBefore[n] ?? 0),
        lines: changes(pod, from, to),
      };
    }),
  );
  // Beside what the machine takes for itself.
  const [usual = [], slow = []] = [load.answered.filter(({ visit }) => visit.asked < from), during].map((some) =>
    some.map(({ visit }) => visit.took).toSorted((a, b) => a - b),
  );
  return {
    turn: Math.max(...figures.map(({ turn }) => turn)),
    waited: Math.max(...figures.map(({ waited }) => waited)),
    lines: Math.max(...figures.map(({ lines }) => lines)),
    median: quantile(slow, 0.5) - 2 * quantile(usual, 0.9),
    slowest: (slow.at(-1) ?? 0) - 2 * (usual.at(-1) ?? 0),
  };
}

/**
 * Changes of the store's state that a gateway logged from the beginning of a fault until it had the store again: one line
 * each. A line with another cause may follow later. A machine that is full answers late by itself now and then, before
 * that time and behind it.
 */
function changes(pod: FleetPod, from: bigint, to: bigint): number {
  const all = pod.lines.filter(({ at, message }) => at > from && /^store (un)?available$/.test(message));
  const back = all.findIndex(({ at, message }) => at > to && message === "store available");
  const said = back === -1 ? all : all.slice(0, back + 1);
  const again = said.filter(({ message }, n) => message === said[n - 1]?.message);
  const others = said.filter(({ fields }, n) => fields["cause"] !== said[n - 1]?.fields["cause"]);
  expect(again.filter((line) => !others.includes(line))).toEqual([]);
  return said.length - again.length;
}

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.floor(sorted.length * part)] ?? Number.NaN;
}

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EchoBackend } from "../fakes/echo-backend.ts";
import { highest, type Held } from "../fakes/session-history.ts";
import { until } from "../fakes/sockets.ts";
import { CLIENTS, Fleet, fleetRoute, type FleetPod } from "../fakes/store-fleet.ts";
import type { Visit } from "../fakes/visits.ts";
import { placesHeld } from "../store/places-held.ts";
import { STORE_LACKS, StoreServer } from "../store/server.ts";

// Four gateways in processes of their own, which count the sessions of each client in one store.

const PODS = 4;
const MINUTES = 60_000;
const STORM_LIMIT = 50;
/** Handshakes that each gateway gets at once. */
const STORM = 250;
/** Handshakes in an hour. */
const TRIES_LIMIT = 12;
/** In ms: how long a place may stay taken after its pod was killed, cut off or frozen. */
const FREE = 15_000;
const LAWFUL = ["429 ConnectionLimit", "503 StoreUnavailable"];

const PERS = ["Client", "IP", "Route", "Proxy"] as const;
const TRIES = PERS.map((per) => ({
  ...fleetRoute(`tries-${per.toLowerCase()}`, { attempts: [{ per, limit: TRIES_LIMIT, interval: "1h" }] }),
  ownPolicies: ["attempts"],
}));

let store: StoreServer;
let backend: EchoBackend;
let fleet: Fleet;

describe.skipIf(STORE_LACKS !== undefined)("sessions of four gateways with one store", () => {
  beforeAll(async () => {
    store = await StoreServer.start();
    backend = await new EchoBackend().open();
    const limit = (name: string, most: number): ReturnType<typeof fleetRoute> => ({
      ...fleetRoute(name, { connections: [{ per: "Client", limit: most }] }),
      ownPolicies: ["connections"],
    });
    fleet = await Fleet.start({
      ...{ pods: PODS, store, settings: { whenUnavailable: "Refuse" } },
      ...{ routes: [limit("storm", STORM_LIMIT), limit("one", 1), ...TRIES], backends: [backend.port] },
    });
  }, MINUTES);
  afterAll(async () => {
    await fleet.close();
    backend.close();
    await store.close();
  });

  test(
    "of 1,000 handshakes at once exactly as many are admitted as the limit says, again and again",
    async () => {
      for (let storm = 0; storm < 3; storm += 1) {
        const visits = await Promise.all(
          fleet.pods.flatMap((pod) => Array.from({ length: STORM }, () => pod.visit("client-0", "/storm"))),
        );
        // An answer of the store that came too late is a refusal, and its place is free a moment later.
        const late = visits.filter(({ reason }) => reason === "StoreUnavailable").length;
        if (late > 0) visits.push(...(await further(STORM_LIMIT - visits.filter(({ open }) => open).length)));
        const held = visits
          .filter(({ status }) => status === 101)
          .map((visit): Held => ({ visit, pod: fleet.pods[0]!.past, subjects: ["client-0"] }));
        expect(highest(held, "client-0")).toBe(STORM_LIMIT);
        const others = visits.filter(({ status }) => status !== 101).map(how);
        expect(others.filter((one) => !LAWFUL.includes(one))).toEqual([]);
        await until("the store counts them", async () => String(await placesHeld(store)) === String(STORM_LIMIT));
        await fleet.empty();
        await until("the store counts none", async () => (await placesHeld(store)).length === 0);
      }
    },
    2 * MINUTES,
  );

  test.each(PERS)(
    "of handshakes per %s as many are tried as the limit says, and a flood of more costs the store nothing",
    async (per) => {
      const once = async (): Promise<Visit[]> =>
        Promise.all(
          fleet.pods.flatMap((pod) =>
            Array.from({ length: TRIES_LIMIT }, () => pod.visit("client-1", `/tries-${per.toLowerCase()}`)),
          ),
        );
      const first = await once();
      const late = first.filter(({ reason }) => reason === "StoreUnavailable").length;
      const inside = first.filter(({ status }) => status === 101).length;
      expect(inside).toBeLessThanOrEqual(TRIES_LIMIT);
      expect(inside).toBeGreaterThanOrEqual(TRIES_LIMIT - late);
      const second = (await once()).filter(({ status }) => status === 101).length;
      expect(inside + second).toBeLessThanOrEqual(TRIES_LIMIT);
      const asked = async (): Promise<number> => {
        const operations = ["Take", "Borrow"].map((operation) => ({ operation }));
        const counts = await Promise.all(fleet.pods.flatMap((pod) => operations.map((labels) => pod.requests(labels))));
        return counts.reduce((sum, count) => sum + count, 0);
      };
      const before = await asked();
      const flood = (await once()).map(how);
      const status = per === "Client" || per === "IP" ? 429 : 503;
      const others = flood.filter((one) => one !== `${status} AttemptLimit`);
      // Where the store was late, a token may be left, and a question is asked once more.
      if (late === 0 && !others.includes("503 StoreUnavailable")) {
        expect(others).toEqual([]);
        expect((await asked()) - before).toBeLessThanOrEqual(PODS);
      }
      expect(inside + second + others.filter((one) => one.startsWith("101")).length).toBeLessThanOrEqual(TRIES_LIMIT);
      await fleet.counts();
      await fleet.empty();
    },
    MINUTES,
  );

  test(
    "a place is free within 15 s after its pod was killed, cut off or frozen; pods that come back end nothing and count again",
    async () => {
      const [killed, cut, frozen, rest] = fleet.pods as [FleetPod, FleetPod, FleetPod, FleetPod];
      const [a = "", b = "", c = "", d = ""] = CLIENTS.slice(4);
      for (const [pod, client] of [
        [killed, a],
        [cut, b],
        [frozen, c],
        [rest, d],
      ] as const)
        expect(await admitted(pod, client)).toBe(true);
      for (const client of [a, b, c, d]) expect((await rest.decided(client, "/one")).reason).toBe("ConnectionLimit");
      const turns = rest.gateway.longestTurn();
      frozen.gateway.freeze();
      await Promise.all([killed.gateway.kill(), cut.cut()]);
      const begun = performance.now();
      const free = await Promise.all([a, b, c].map((client) => freeAfter(rest, client, begun)));
      expect(Math.max(...free)).toBeLessThan(FREE);
      // Not before the pods count for dead, 10 s after their last heartbeat: until then the limit holds.
      expect(Math.min(...free)).toBeGreaterThan(5000);
      expect((await rest.decided(d, "/one")).reason).toBe("ConnectionLimit");
      await turns;

      frozen.gateway.thaw();
      await cut.relay.heal();
      await until("their sessions are counted again", async () => String(await placesHeld(store)) === "1,1,2,2", FREE);
      for (const pod of [cut, frozen]) expect(pod.lost).toEqual([]);
      for (const [pod, client] of [
        [cut, b],
        [frozen, c],
      ] as const) {
        expect((await pod.decided(client, "/one")).reason).toBe("ConnectionLimit");
        expect((await rest.decided(client, "/one")).reason).toBe("ConnectionLimit");
        rest.open.find((visit) => visit.client === client)?.leave();
        await until(
          "one is left of the two",
          async () => (await placesHeld(store)).filter((sum) => sum === 2).length === (pod === cut ? 1 : 0),
        );
        expect((await rest.decided(client, "/one")).reason).toBe("ConnectionLimit");
        pod.open[0]?.leave();
        expect(await admitted(rest, client)).toBe(true);
      }
      await fleet.join(killed);
      await fleet.counts();
      await fleet.empty();
      await until("the store counts none", async () => (await placesHeld(store)).length === 0);
    },
    2 * MINUTES,
  );
});

const how = ({ status, reason = "" }: Visit): string => `${status} ${reason}`;

/** Tries one after the other until so many more are admitted. */
async function further(count: number): Promise<Visit[]> {
  const more: Visit[] = [];
  await until("the limit is reached", async () => {
    const visit = await (fleet.pods[more.length % PODS] as FleetPod).visit("client-0", "/storm");
    if (visit.status === 101) more.push(visit);
    return more.length >= count;
  });
  return more;
}

/** When this client got in again, in ms since `begun`. */
async function freeAfter(pod: FleetPod, client: string, begun: number): Promise<number> {
  while (!(await admittedOnce(pod, client))) {
    if (performance.now() - begun > 2 * FREE) return Number.POSITIVE_INFINITY;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return performance.now() - begun;
}

const admittedOnce = async (pod: FleetPod, client: string): Promise<boolean> =>
  (await pod.visit(client, "/one")).status === 101;

async function admitted(pod: FleetPod, client: string): Promise<boolean> {
  await until("the place is free", () => admittedOnce(pod, client));
  return true;
}

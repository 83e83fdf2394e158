import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../runtime/clock.ts";
import { clientNamed } from "../../../test/fakes/policy-bench.ts";
import { tooMuchInEachRound } from "../../../test/fakes/rounds.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { PlacesPod, PREFIX, SHORT } from "../../../test/store/places-pod.ts";
import { STORE_LACKS, StoreServer } from "../../../test/store/server.ts";
import { Occupancy } from "../occupancy.ts";
import { bucketKey, digestOf } from "./bucket-key.ts";
import { Unavailable, type Link } from "./link.ts";
import { Ledger } from "./places.ts";
import { JOIN } from "./scripts/join.ts";
import type { Script } from "./scripts/script.ts";
import type { TakeAnswer, TakeLines } from "../shared-limits.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type PodOptions = ConstructorParameters<typeof PlacesPod>[1];

async function podsOf(server: StoreServer, count: number, options?: PodOptions): Promise<PlacesPod[]> {
  const pods = Array.from({ length: count }, () => new PlacesPod(server, options));
  for (const pod of pods) closers.push(() => pod.close());
  await joined(...pods);
  return pods;
}

async function joined(...pods: readonly PlacesPod[]): Promise<void> {
  await until("all pods have joined", () => pods.every(({ link }) => link.available));
}

/** A store and a pod that has joined. */
async function scene(options?: PodOptions): Promise<{ server: StoreServer; pod: PlacesPod }> {
  const server = await StoreServer.start();
  closers.push(() => server.close());
  const [pod] = await podsOf(server, 1, options);
  if (pod === undefined) throw new Error("no pod");
  return { server, pod };
}

const nameOf = (key: string): string => `${PREFIX}c:${digestOf(key)}`;
const pods = `${PREFIX}pods`;
const alice = nameOf("client\nclient alice");
const proxy = nameOf("proxy\n");
const limits = { client: 2, proxy: 100 };

/** Places under a key as the store has them, of all ids. */
async function sum(server: StoreServer, name = alice): Promise<number> {
  const counts = (await server.ask("HVALS", name)) as string[];
  return counts.reduce((total, count) => total + Number(count), 0);
}

const idsOf = async (server: StoreServer): Promise<string[]> =>
  ((await server.ask("HKEYS", pods)) as string[]).filter((id) => id !== "@");

describe.skipIf(STORE_LACKS !== undefined)(
  `over a store${STORE_LACKS === undefined ? "" : ` (${STORE_LACKS})`}`,
  () => {
    test("a place is taken once over all pods, and is free at once when its session ends", async () => {
      const { server, pod } = await scene();
      const [other] = await podsOf(server, 1);
      expect([await pod.attempt("alice", limits), await other?.attempt("alice", limits)]).toEqual(["in", "in"]);
      expect(await pod.attempt("alice", limits)).toBe("refused");
      expect(await pod.attempt("bob", limits)).toBe("in");
      expect([await sum(server), await sum(server, proxy)]).toEqual([2, 3]);
      other?.endAll();
      await until("the place is free", async () => (await sum(server)) === 1);
      expect(await pod.attempt("alice", limits)).toBe("in");
      pod.endAll();
      await until("no subject is left", async () => (await server.ask("DBSIZE")) === 1);
    });

    test("4 pods with 1,000 handshakes each, all at once, stay within the limit", async () => {
      // So many at once, with a store on the same cores, may take longer than the short time to live of other tests.
      const patient = { deadline: 20_000, times: { ttl: 20_000 } };
      const { server, pod } = await scene(patient);
      const all = [pod, ...(await podsOf(server, 3, patient))];
      const outcomes = await Promise.all(
        all.flatMap((each) => Array.from({ length: 1_000 }, () => each.attempt("alice", { client: 100 }))),
      );
      expect(outcomes.filter((outcome) => outcome === "in")).toHaveLength(100);
      expect(outcomes.filter((outcome) => outcome === "refused")).toHaveLength(3_900);
      await until("the store has what they hold", async () => (await sum(server)) === 100);
    });

    test("the places of a killed pod are free after its time to live, those of one that leaves at once", async () => {
      const death = async (): Promise<{ free: number }> => {
        const { server, pod } = await scene();
        const [killed, leaving] = await podsOf(server, 2);
        await killed?.attempt("alice", limits);
        await leaving?.attempt("alice", limits);
        const before = performance.now();
        killed?.kill();
        expect(await pod.attempt("alice", limits)).toBe("refused");
        await leaving?.close();
        expect(await pod.attempt("alice", limits)).toBe("in");
        await until("the place is free", async () => (await pod.attempt("alice", limits)) === "in");
        const free = performance.now() - before;
        expect(await sum(server)).toBe(2);
        return { free };
      };
      expect(await tooMuchInEachRound({ free: SHORT.ttl + 1_000 }, death)).toEqual({});
    });

    test("a store that lost its memory lets nothing in until it knows all pods again", async () => {
      const { server, pod } = await scene();
      const [other] = await podsOf(server, 1);
      if (other === undefined) throw new Error("no pod");
      expect([await pod.attempt("alice", limits), await pod.attempt("alice", limits)]).toEqual(["in", "in"]);
      await server.ask("FLUSHALL");
      const began = performance.now();
      const outcomes = new Set<string>();
      while (performance.now() - began < SHORT.grace - 200) outcomes.add(await other.attempt("alice", limits));
      expect([...outcomes]).toEqual(["unavailable"]);
      await joined(pod, other);
      expect(await other.attempt("alice", limits)).toBe("refused");
      expect(await sum(server)).toBe(2);
    });

    test("a pod that the store forgot joins anew within one handshake, which counts once", async () => {
      const { server, pod } = await scene();
      expect(await pod.attempt("alice", limits)).toBe("in");
      await server.ask("HDEL", pods, ...(await idsOf(server)));
      expect(await pod.attempt("alice", limits)).toBe("in");
      expect(await pod.attempt("alice", limits)).toBe("refused");
      await until("it is exact", async () => (await sum(server)) === 2);
      pod.endAll();
      await until("no subject is left", async () => (await server.ask("DBSIZE")) === 1);
    });

    test("a handshake and an end whose answers are lost leave an exact count", async () => {
      const { server, pod } = await scene();
      expect(await pod.attempt("alice", limits)).toBe("in");
      pod.link.lose(1);
      expect(await pod.attempt("alice", limits)).toBe("unavailable");
      await until("the place of no session is free", async () => (await sum(server)) === 1);
      pod.link.lose(1);
      pod.endAll();
      await until("no subject is left", async () => (await server.ask("DBSIZE")) === 1);
      expect(await pod.attempt("alice", limits)).toBe("in");
      await until("it is exact", async () => (await sum(server)) === 1);
    });

    test("sessions that end, and that are let in without the store, while the pod joins are counted", async () => {
      const { server, pod } = await scene();
      for (let n = 0; n < 2; n += 1) await pod.attempt("alice", limits);
      await pod.attempt("bob", limits);
      await server.ask("FLUSHALL");
      await until("it joins", async () => (await pod.attempt("carol", limits)) === "unavailable");
      pod.endAll();
      pod.open("carol");
      await joined(pod);
      expect([await sum(server), await sum(server, nameOf("client\nclient carol"))]).toEqual([0, 1]);
      expect(await sum(server, proxy)).toBe(1);
    });

    test("what a limit begins to count is published, and what none counts any more is taken off", async () => {
      const { server, pod } = await scene({ kinds: [] });
      for (let n = 0; n < 1_200; n += 1) pod.open(`client ${n}`);
      expect(pod.ledger.needed(["client\nclient a", "proxy\n", "client in main\nclient a"])).toEqual([]);
      pod.ledger.needs(new Set(["client", "proxy"]));
      await until("all are published", async () => (await server.ask("DBSIZE")) === 1_202);
      expect(await sum(server, proxy)).toBe(1_200);
      pod.ledger.needs(new Set(["proxy"]));
      await until("clients are taken off", async () => (await server.ask("DBSIZE")) === 2);
      expect(pod.ledger.needed(["client\nclient a", "proxy\n"])).toEqual(["proxy\n"]);
      pod.endAll();
      await until("no subject is left", async () => (await server.ask("DBSIZE")) === 1);
    });

    test("a pod's first place renews a key that only a dead pod had, and a walk does as long as the place is held", async () => {
      const { server, pod } = await scene();
      await server.ask("HSET", alice, "dead.1", "1");
      await server.ask("PEXPIRE", alice, "300");
      expect(await pod.attempt("alice", { client: 5 })).toBe("in");
      const lives = (await server.ask("PTTL", alice)) as number;
      expect(lives).toBeGreaterThan(SHORT.life - 1_000);
      await new Promise((resolve) => setTimeout(resolve, SHORT.life + 200));
      expect(await server.ask("HGET", alice, (await idsOf(server))[0] ?? "")).toBe("1");
    });

    test("fields of dead pods do not pile up on a key that no limit bounds", async () => {
      const { server, pod } = await scene();
      await server.ask("HSET", alice, ...Array.from({ length: 40 }, (_, n) => [`dead.${n}`, "1"]).flat());
      expect(await pod.attempt("alice", {})).toBe("in");
      expect(await server.ask("HLEN", alice)).toBe(1);
    });

    test("10,000 sessions that do nothing cost the store two calls a renewal", async () => {
      const { server, pod } = await scene({ times: { renew: 100, life: 30_000, ttl: 10_000 } }); // in the proportion of the real ones
      for (let n = 0; n < 10_000; n += 1) pod.open(`client ${n}`);
      await until("all are published", async () => (await server.ask("DBSIZE")) === 10_002);
      await new Promise((resolve) => setTimeout(resolve, 300));
      pod.link.calls.length = 0;
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(pod.link.calls.length).toBeLessThanOrEqual(20);
      expect(pod.link.calls).toContain("Renew");
    });

    test("keys that are not what they should be make the store unavailable at most, and are put right", async () => {
      const { server, pod } = await scene();
      await server.ask("SET", alice, "of another type");
      expect(await pod.attempt("alice", limits)).toBe("unavailable");
      await until("the key is put right", async () => (await pod.attempt("alice", limits)) === "in");
      await server.ask("HSET", alice, "foreign", "no number");
      await server.ask("HSET", alice, "foreign 2", "-1000");
      await server.ask("HSET", alice, (await idsOf(server))[0] ?? "", "1.5");
      expect(await pod.attempt("alice", limits)).not.toBe("refused");
      await until("the count is put right", async () => (await pod.attempt("alice", limits)) === "refused");
      await server.ask("DEL", pods);
      await server.ask("SET", pods, "of another type");
      await until("the hash of pods is made anew", async () => (await pod.attempt("bob", limits)) === "in");
      const bob = nameOf("client\nclient bob");
      await until("it is exact", async () => (await sum(server, bob)) === 1);
    });

    test("the store's clock may step: a pod that lives is not thought dead, and one that died not alive for ever", async () => {
      const { server, pod } = await scene();
      const hour = 3_600_000;
      const [id = ""] = await idsOf(server);
      for (const field of [id, "dead.1", "@"]) await server.ask("HSET", pods, field, String(Date.now() + hour));
      await server.ask("HSET", alice, "dead.1", "2");
      expect(await pod.attempt("alice", limits)).toBe("refused");
      await until("the dead pod's places are free", async () => (await pod.attempt("alice", limits)) === "in");
      for (const field of await idsOf(server)) await server.ask("HSET", pods, field, String(Date.now() - hour));
      await until("it is known again", async () => (await pod.attempt("bob", limits)) === "in");
      await until("it is exact", async () => (await sum(server)) === 1);
    });

    describe("tokens and places in one call", () => {
      const bucket = {
        name: "attempts Client proxy\nclient alice",
        shape: { limit: 1, interval: 3_600_000, burst: 2 },
      };
      const route = { name: "attempts Route main\n", shape: { limit: 1, interval: 60_000, burst: 1 } };
      const key = "client\nclient alice";
      const take = (pod: PlacesPod, lines: Partial<TakeLines>): Promise<TakeAnswer> =>
        pod.ledger.take({ buckets: [], places: [], shadow: false, ...lines });
      const tokens = async (server: StoreServer, name: string): Promise<number | undefined> => {
        const text = (await server.ask("HGET", bucketKey(PREFIX, name), "t")) as string | null;
        return text === null ? undefined : Math.floor(Number(text));
      };

      test("an empty bucket takes nothing of any line; where all places are taken, the tokens are used", async () => {
        const { server, pod } = await scene();
        const full = [{ key, limit: 0 }];
        expect(await take(pod, { buckets: [bucket, route], places: full })).toEqual({
          kind: "refused",
          line: 2,
          wait: 0,
        });
        expect(await sum(server)).toBe(0);
        expect([await tokens(server, bucket.name), await tokens(server, route.name)]).toEqual([1, 0]);
        const refused = await take(pod, { buckets: [bucket, route], places: [{ key, limit: 5 }] });
        expect(refused).toMatchObject({ kind: "refused", line: 1 });
        if (refused.kind === "refused") expect(refused.wait / 60_000).toBeCloseTo(1, 1);
        expect([await tokens(server, bucket.name), await sum(server)]).toEqual([1, 0]);
      });

      test("all lines are taken together, and a place without a limit is only counted", async () => {
        const { server, pod } = await scene();
        for (let n = 0; n < 2; n += 1) {
          const places = [
            { key, limit: undefined },
            { key: "proxy\n", limit: 2 },
          ];
          expect(await take(pod, { buckets: [bucket], places })).toEqual({ kind: "in", exceeded: [] });
        }
        expect([await tokens(server, bucket.name), await sum(server), await sum(server, proxy)]).toEqual([0, 2, 2]);
      });

      test("limits in shadow count and tell, and refuse nothing", async () => {
        const { server, pod } = await scene();
        const lines = { buckets: [route, bucket], places: [{ key, limit: 1 }], shadow: true };
        expect(await take(pod, lines)).toEqual({ kind: "in", exceeded: [] });
        expect(await take(pod, lines)).toEqual({ kind: "in", exceeded: [0, 2] });
        expect([await tokens(server, bucket.name), await sum(server)]).toEqual([0, 2]);
      });

      test("what other pods hold of a bucket cannot be taken, and what is no bucket takes nothing", async () => {
        const { server, pod } = await scene();
        const later = String((Date.now() + 60_000) * 1_000);
        const now = String(Date.now() * 1_000);
        await server.ask(
          "HSET",
          bucketKey(PREFIX, bucket.name),
          "t",
          "2",
          "a",
          now,
          "hother",
          `1 ${later} 1 1 ${bucket.shape.burst}`,
        );
        expect(await take(pod, { buckets: [bucket] })).toEqual({ kind: "in", exceeded: [] });
        expect(await take(pod, { buckets: [bucket] })).toMatchObject({ kind: "refused", line: 0 });
        await server.ask("SET", bucketKey(PREFIX, route.name), "no bucket");
        const lines = { buckets: [route], places: [{ key, limit: 5 }] };
        await expect(take(pod, lines)).rejects.toBeInstanceOf(Unavailable);
        expect(await sum(server)).toBe(0);
      });
    });
  },
);

test.each([[[]], ["OK"], [{}], [null], [[7]], [[1, 9]], [[0]], [[0, 5, 1]], [[0, 0, -1]], [[1, "0"]], [[Number.NaN]]])(
  "an answer that is none of ours is no admission: %j",
  async (strange) => {
    const link: Link = {
      available: true,
      call: async ({ operation }: Script, keys) => {
        if (operation === "Take") return keys.length === 1 ? [1] : strange;
        return operation === "Give" || operation === "Publish" ? 1 : 60_000;
      },
      rejoin: async () => {},
    };
    const options = { occupancy: new Occupancy(), prefix: PREFIX, clock: systemClock, incarnation: "pod" };
    const ledger = new Ledger({ link: () => link, ...options });
    closers.push(() => ledger.close());
    await ledger.join();
    const take = ledger.take({ buckets: [], places: [{ key: "proxy\n", limit: 1 }], shadow: false });
    await expect(take).rejects.toBeInstanceOf(Unavailable);
    expect(JOIN.sha1).toMatch(/^[0-9a-f]{40}$/);
  },
);

test("a handshake that is refused while counts are written is not written for good", async () => {
  const occupancy = new Occupancy();
  const held = new Map<string, number>();
  const waiting: (() => void)[] = [];
  const link: Link = {
    available: true,
    call: async ({ operation }: Script, keys, args) => {
      if (operation === "Join" || operation === "Renew" || operation === "Leave") return 60_000;
      if (operation === "Take" && keys.length === 1) return [1];
      if (operation === "Publish") for (const [n, key] of keys.slice(1).entries()) held.set(key, Number(args[3 + n]));
      await new Promise<void>((answered) => waiting.push(answered));
      return operation === "Take" ? [0, 0, 0] : 1;
    },
    rejoin: async () => {},
  };
  const clock = { ...systemClock, now: () => 0 }; // a walk takes no time, so that it stays within the turn
  const options = { prefix: PREFIX, clock, incarnation: "pod", times: SHORT };
  const ledger = new Ledger({ link: () => link, occupancy, ...options });
  closers.push(() => ledger.close());
  await ledger.join();
  const where = { addressSubject: "192.0.2.1" };
  for (let n = 0; n < 600; n += 1) occupancy.enter("main", clientNamed(`client ${n}`), where);
  ledger.needs(new Set(["client"]));
  const leave = occupancy.enter("main", clientNamed("late"), where);
  const key = "client\nclient late";
  const refused = ledger.take({ buckets: [], places: [{ key, limit: 1 }], shadow: false }).then(async () => {
    for (let step = 0; step < 20; step += 1) await Promise.resolve(); // the caller's own steps of the same turn
    leave();
  });
  for (const answered of waiting.splice(0)) answered(); // of the first 500 keys, and of the handshake
  await refused;
  expect(held.get(nameOf(key))).toBe(1);
  await until("what was written is put right", () => {
    for (const answered of waiting.splice(0)) answered();
    return held.get(nameOf(key)) === 0;
  });
});

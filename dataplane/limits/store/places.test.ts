import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { until } from "../../../test/fakes/sockets.ts";
import { PlacesPod, PREFIX, SHORT } from "../../../test/store/places-pod.ts";
import { STORE_LACKS, StoreServer } from "../../../test/store/server.ts";
import { digestOf } from "./bucket-key.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function store(): Promise<StoreServer> {
  const server = await StoreServer.start();
  closers.push(() => server.close());
  return server;
}

type PodOptions = ConstructorParameters<typeof PlacesPod>[1];

async function podsOf(server: StoreServer, count: number, options?: PodOptions): Promise<PlacesPod[]> {
  const pods = Array.from({ length: count }, () => new PlacesPod(server, options));
  for (const pod of pods) closers.push(() => pod.close());
  await until("all pods have joined", () => pods.every(({ link }) => link.available));
  return pods;
}

const nameOf = (key: string): string => `${PREFIX}c:${digestOf(key)}`;
const alice = nameOf("client\nclient alice");

/** Places of a subject as the store has them, of all ids. */
async function sum(server: StoreServer, name = alice): Promise<number> {
  const counts = (await server.ask("HVALS", name)) as string[];
  return counts.reduce((total, count) => total + Number(count), 0);
}

describe.skipIf(STORE_LACKS !== undefined)(
  `places in a store${STORE_LACKS === undefined ? "" : ` (${STORE_LACKS})`}`,
  () => {
    test("a place is taken once over all pods, and is free at once when its session ends", async () => {
      const server = await store();
      const [one, two] = await podsOf(server, 2);
      const limits = { client: 2, proxy: 100 };
      expect([await one?.attempt("alice", limits), await two?.attempt("alice", limits)]).toEqual(["in", "in"]);
      expect(await one?.attempt("alice", limits)).toBe("refused");
      expect(await one?.attempt("bob", limits)).toBe("in");
      two?.endAll();
      await until("the place is free", async () => (await sum(server)) === 1);
      expect(await one?.attempt("alice", limits)).toBe("in");
      one?.endAll();
      await until("no subject is left", async () => (await server.ask("DBSIZE")) === 1);
    });
  },
);

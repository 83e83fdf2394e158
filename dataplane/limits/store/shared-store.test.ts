import { Registry } from "prom-client";
import { onTestFinished, expect, test } from "vitest";
import { FakeClock } from "../../../test/fakes/clock.ts";
import { recordingLog } from "../../../test/fakes/log.ts";
import { clientNamed, handshakeFrom } from "../../../test/fakes/policy-bench.ts";
import { freePort } from "../../../test/fakes/program.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { STORE_LACKS, StoreServer } from "../../../test/store/server.ts";
import { systemClock, type Clock } from "../../../runtime/clock.ts";
import { StoreMetrics } from "../../process/store-metrics.ts";
import { keysOf, Occupancy } from "../occupancy.ts";
import { SharedStore } from "./shared-store.ts";

function storeOf(clock: Clock, occupancy = new Occupancy()): SharedStore {
  const metrics = new StoreMetrics(new Registry());
  const store = new SharedStore({ proxy: "test/proxy", occupancy, clock, log: recordingLog(), metrics });
  onTestFinished(() => store.close());
  return store;
}

const settings = (address: string) => ({ address, whenUnavailable: "Refuse" as const, resolved: true });

test("a process that starts without its store has waited for it after 5 s", async () => {
  const clock = new FakeClock();
  const store = storeOf(clock);
  store.configure(settings(`127.0.0.1:${await freePort()}`));
  clock.advance(4_999);
  expect([store.settled, store.available, store.whenUnavailable]).toEqual([false, false, "Refuse"]);
  clock.advance(1);
  expect(store.settled).toBe(true);
});

test("nothing is asked, and nothing dialled, before a config is in force", async () => {
  const store = storeOf(new FakeClock());
  expect(store.available).toBe(false);
  await expect(store.places.take({ buckets: [], places: [], shadow: false })).rejects.toMatchObject({
    name: "Unavailable",
  });
  await store.close();
  store.configure(settings("127.0.0.1:1"));
  expect(store.available).toBe(false);
});

test.skipIf(STORE_LACKS !== undefined)(
  "once its store was there it has settled; places, tokens and the goodbye are in the keys of the proxy",
  async () => {
    const server = await StoreServer.start();
    onTestFinished(() => server.close());
    await server.ask("HSET", "{test/proxy}:pods", "@", "1");
    const occupancy = new Occupancy();
    const store = storeOf(systemClock, occupancy);
    store.places.needs(new Set(["client"]));
    store.configure(settings(server.address));
    await until("the store can be asked", () => store.available);
    occupancy.enter("main", clientNamed("alice"), handshakeFrom());
    const keys = store.places.needed(keysOf("main", clientNamed("alice"), handshakeFrom()));
    const shape = { limit: 1, interval: 60_000, burst: 1 };
    const lines = {
      buckets: [{ name: "attempts - Client proxy\nalice", shape }],
      places: keys.map((key) => ({ key, limit: 1 })),
      shadow: false,
    };
    expect(await store.places.take(lines)).toEqual({ kind: "in", exceeded: [] });
    expect(await store.places.take(lines)).toMatchObject({ kind: "refused", line: 0 });
    const names = ((await server.ask("KEYS", "*")) as string[]).map((name) => name.slice(0, 15));
    expect(names.toSorted()).toEqual(["{test/proxy}:a:", "{test/proxy}:c:", "{test/proxy}:po"]);
    await server.kill();
    await until("it is unavailable", () => !store.available);
    expect(store.settled).toBe(true);
    await server.again();
    await server.ask("HSET", "{test/proxy}:pods", "@", "1");
    await until("the store can be asked again", () => store.available);
    expect(await server.ask("HLEN", "{test/proxy}:pods")).toBe(2);
    await store.close();
    expect([store.available, await server.ask("HLEN", "{test/proxy}:pods")]).toEqual([false, 1]);
  },
);

import { describe, expect, test } from "vitest";
import { until } from "../fakes/sockets.ts";
import { StoreCluster } from "./cluster.ts";
import { storeTls } from "./demands.ts";
import { STORE_TLS_LACKS, STORES } from "./programs.ts";
import { STORE_LACKS } from "./server.ts";
import { SlotMove } from "./slot-move.ts";

const PODS = "{demo/chat}:pods";
const PLACES = "{demo/chat}:c:ada";

describe.each(STORES)("a Cluster of $name", ({ path, lacks }) => {
  test.skipIf(lacks !== undefined)("says where a key is, and moves a slot half way and then to its end", async () => {
    const cluster = await StoreCluster.start({ program: path });
    const owner = await cluster.ownerOf(PODS);
    const slot = await cluster.slotOf(PODS);
    for (const key of [PODS, PLACES]) expect(await owner.ask("SET", key, key)).toBe("OK");
    for (const other of cluster.masters.filter((one) => one !== owner))
      await expect(other.ask("GET", PODS)).rejects.toThrow(`MOVED ${slot} ${owner.address}`);

    const move = await SlotMove.begin(cluster, PODS);
    await move.carry(PLACES);
    expect(await move.left()).toEqual([PODS]);
    expect(await move.from.ask("GET", PODS)).toBe(PODS);
    await expect(move.from.ask("GET", PLACES)).rejects.toThrow(`ASK ${slot} ${move.to.address}`);
    // 6.2 sends such a command on, and the new master answers it with TRYAGAIN.
    await expect(move.from.ask("MGET", PODS, PLACES)).rejects.toThrow(/^(TRYAGAIN|ASK) /);

    await move.finish();
    await expect(move.from.ask("MGET", PODS, PLACES)).rejects.toThrow(`MOVED ${slot} ${move.to.address}`);
    expect(await move.to.ask("MGET", PODS, PLACES)).toEqual([PODS, PLACES]);
    expect(await cluster.ownerOf(PODS)).toBe(move.to);
  });

  test.skipIf(lacks !== undefined)("puts a replica in a dead master's place", async () => {
    const cluster = await StoreCluster.start({ program: path });
    const master = await cluster.ownerOf(PODS);
    await master.ask("SET", PODS, "held");
    const replica = await cluster.replicaOf(master);
    await master.kill();
    await cluster.failover(replica, "masterIsDead");
    await until("the others know", async () => (await cluster.ownerOf(PODS)) === replica);
    expect(await replica.ask("GET", PODS)).toBe("held");
  });
});

describe.skipIf(STORE_LACKS !== undefined)("a Cluster (skipped where no store is installed)", () => {
  test("puts a replica in a dead master's place by itself", async () => {
    const cluster = await StoreCluster.start();
    const master = await cluster.ownerOf(PODS);
    const replica = await cluster.replicaOf(master);
    await master.kill();
    await until("it has taken over", async () => (await replica.info("role")) === "master", 20_000);
    await until("the others know", async () => (await cluster.ownerOf(PODS)) === replica);
  });
});

describe.skipIf(STORE_TLS_LACKS !== undefined)(
  "a Cluster with TLS (skipped where redis-server is not installed)",
  () => {
    test("and password moves slots and fails over too", async () => {
      const cluster = await StoreCluster.start({ demands: { tls: await storeTls(), password: "secret" } });
      const owner = await cluster.ownerOf(PODS);
      await owner.ask("SET", PODS, "held");
      const move = await SlotMove.begin(cluster, PODS);
      await move.finish();
      expect(await move.to.ask("GET", PODS)).toBe("held");
      const replica = await cluster.replicaOf(move.to);
      await cluster.failover(replica);
      expect(await replica.ask("GET", PODS)).toBe("held");
    });
  },
);

import { describe, expect, test } from "vitest";
import { KEY, LinkBench } from "../../../test/fakes/store-link.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { StoreCluster } from "../../../test/store/cluster.ts";
import { STORE_LACKS } from "../../../test/store/programs.ts";
import { SlotMove } from "../../../test/store/slot-move.ts";

describe.skipIf(STORE_LACKS !== undefined)("a Cluster (skipped where redis-server is missing)", () => {
  test("any node leads to the one that has the keys, and each move of them is followed", async () => {
    const cluster = await StoreCluster.start();
    const other = await cluster.otherThan(KEY);
    const bench = new LinkBench({ address: other.address });
    await until("it is available", () => bench.link.available);
    expect(await bench.add()).toBe(1);
    expect(await (await cluster.ownerOf(KEY)).ask("GET", KEY)).toBe("1");
    bench.begin();
    const move = await SlotMove.begin(cluster, KEY);
    await until("half of the keys have moved", () => !bench.link.available || bench.asked.length > 50);
    await move.finish();
    await bench.end();
    bench.begin();
    await until("the new node serves", async () => (await cluster.ownerOf(KEY)) === move.to && bench.link.available);
    await until("it counts there", async () => Number(await move.to.ask("GET", KEY)) > 5);
    await bench.end();
  });

  test("a node that dies is looked for from the address of the settings, and its replica found", async () => {
    const cluster = await StoreCluster.start();
    const other = await cluster.otherThan(KEY);
    const owner = await cluster.ownerOf(KEY);
    const replica = await cluster.replicaOf(owner);
    const bench = new LinkBench({ address: other.address });
    await until("it is available", () => bench.link.available);
    await bench.add();
    await owner.kill();
    await until("it is noticed", () => !bench.link.available);
    await cluster.failover(replica, "masterIsDead");
    await until("the replica serves", () => bench.link.available);
    expect(await replica.ask("GET", `${KEY}:joined`)).toBe(String(bench.joins));
  });
});

import { describe, expect, test } from "vitest";
import { LinkBench } from "../../../test/fakes/store-link.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { Relay } from "../../../test/store/relay.ts";
import { STORE_LACKS, StoreServer } from "../../../test/store/server.ts";
import { Unavailable } from "./link.ts";

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe.skipIf(STORE_LACKS !== undefined)("joining a real store (skipped where redis-server is missing)", () => {
  test("while the pod joins it is unavailable, and a second demand joins the first", async () => {
    const server = await StoreServer.start();
    let joined = (): void => {};
    let joins = 0;
    const join = (): Promise<void> =>
      new Promise((resolve) => {
        joins += 1;
        joined = resolve;
      });
    const bench = new LinkBench({ address: server.address }, { join });
    await until("it joins", () => joins === 1);
    const second = bench.link.rejoin();
    expect([bench.link.available, joins]).toEqual([false, 1]);
    joined();
    await second;
    expect([bench.link.available, joins]).toEqual([true, 1]);
    const third = bench.link.rejoin();
    await until("it joins again", () => joins === 2);
    expect(bench.link.available).toBe(false);
    joined();
    await third;
    expect(bench.changes).toEqual([true, false, true]);
  });

  test("a join that fails is tried again, and rejoin does not reject", async () => {
    const server = await StoreServer.start();
    let left = 3;
    const join = async (): Promise<void> => {
      left -= 1;
      if (left > 0) throw new Unavailable("it is too new");
    };
    const bench = new LinkBench({ address: server.address }, { join });
    await until("it is available", () => bench.link.available);
    expect([left, bench.lines[0]]).toEqual([0, "store unavailable: it is too new"]);
    left = 2;
    await bench.link.rejoin();
    expect(bench.link.available).toBe(false);
    await until("it is available again", () => bench.link.available);
  });

  test("a connection that breaks while the pod joins is not taken for joined", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const ends: (() => void)[] = [];
    const join = (): Promise<void> => new Promise((resolve) => void ends.push(resolve));
    const bench = new LinkBench({ address: relay.address }, { join });
    await until("it joins", () => ends.length === 1);
    await relay.cut();
    await until("it is connected anew", async () => (await relay.count()).ever === 2);
    await until("it can ask", () =>
      bench.add().then(
        () => true,
        () => false,
      ),
    );
    ends[0]?.();
    await until("it joins on the new connection", () => ends.length === 2);
    expect(bench.link.available).toBe(false);
    ends[1]?.();
    await until("it is available", () => bench.link.available);
  });

  test("closed, it has no socket, no timer and no series left, and what is asked fails", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const bench = new LinkBench({ address: relay.address });
    await until("it is available", () => bench.link.available);
    const under = bench.add();
    bench.link.close();
    bench.link.close();
    await expect(under).rejects.toThrow(new Unavailable("its connection was given up"));
    await expect(bench.add()).rejects.toThrow(Unavailable);
    await bench.link.rejoin();
    await until("its socket is gone", async () => (await relay.count()).open === 0);
    await rest(300);
    expect((await relay.count()).ever).toBe(1);
    expect(await bench.metric("requests_total")).toEqual({});
    expect(await bench.metric("available")).toEqual({});
    expect(await bench.metric("request_duration_seconds")).toEqual({});
    expect(bench.changes).toEqual([true]);
  });
});

import { describe, expect, test } from "vitest";
import { ADD, KEY, LinkBench, scriptOf } from "../../../test/fakes/store-link.ts";
import { tooMuchInEachRound } from "../../../test/fakes/rounds.ts";
import { until } from "../../../test/fakes/sockets.ts";
import { Relay } from "../../../test/store/relay.ts";
import { STORE_LACKS, StoreServer } from "../../../test/store/server.ts";
import { Unavailable } from "./link.ts";

/** Far above a deadline, for a machine that is busy, and far below the silence after which a connection is left, in ms. */
const MOST_WAIT = 2_000;

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** A link that is in use. */
async function inUse(address: string): Promise<LinkBench> {
  const bench = new LinkBench({ address });
  await until("the store is available", () => bench.link.available);
  bench.begin();
  await until("it is in use", () => bench.asked.length > 20);
  return bench;
}

/** What the traffic and the log saw of a fault, from its begin until the store is in use again. */
async function during(bench: LinkBench, fault: () => Promise<unknown>, heal: () => unknown, back = 10_000) {
  const [begin, told] = [performance.now(), bench.lines.length];
  await fault();
  await until("it is noticed", () => !bench.link.available);
  await heal();
  const healed = performance.now();
  await until("it is in use again", () => bench.link.available, back);
  const after = performance.now() - healed;
  const lines = bench.lines.slice(told);
  await rest(100);
  await bench.end();
  const asked = bench.asked.filter(({ at }) => at >= begin);
  const longest = Math.max(0, ...asked.map(({ took }) => took));
  const waited = asked.filter(({ took }) => took > 5).length;
  if (process.env["MEASURE"] !== undefined)
    console.log(expect.getState().currentTestName, { asked: asked.length, waited, longest, after }, bench.lines);
  return { asked, longest, waited, after, lines };
}

/** Lines that tell another cause than this one. On a full machine the store may be late before its fault is seen. */
const others = (lines: readonly string[], cause: string): number =>
  lines.filter((line) => line !== `store unavailable: ${cause}` && line !== "store available").length;

const cli = async (server: StoreServer, ...command: string[]): Promise<unknown> =>
  server.ask(...command).catch(() => undefined);

describe.skipIf(STORE_LACKS !== undefined)("a link to a real store (skipped where redis-server is missing)", () => {
  test("is available when it has joined, and answers what a script returns", async () => {
    const server = await StoreServer.start();
    const bench = new LinkBench({ address: server.address });
    expect([bench.link.available, bench.lines]).toEqual([false, []]);
    await until("it is available", () => bench.link.available);
    expect(await bench.add()).toBe(1);
    expect(await bench.link.call(scriptOf("return {KEYS[1], ARGV[1], 3}"), [KEY], [1.5])).toEqual([KEY, "1.5", 3]);
    expect([bench.joins, bench.changes, bench.lines]).toEqual([1, [true], ["store available"]]);
    expect(await bench.metric("available")).toEqual({ "": 1 });
    expect(await bench.metric("requests_total")).toMatchObject({ "Join Answered": 1, "Take Answered": 2 });
  });

  test("frozen for seconds under traffic lets three questions wait, 50 ms each or about, and is in use soon after", async () => {
    const server = await StoreServer.start();
    const bench = await inUse(server.address);
    const { waited, longest, after, lines } = await during(
      bench,
      async () => server.freeze(),
      async () => {
        await rest(4_000);
        server.thaw();
      },
    );
    expect(waited).toBeLessThan(80);
    expect(longest).toBeLessThan(MOST_WAIT);
    expect(after).toBeLessThan(8_000);
    expect((await bench.metric("requests_total"))["Take Late"]).toBeGreaterThanOrEqual(3);
    expect(lines).toEqual(["store unavailable: it did not answer in time", "store available"]);
  });

  test("killed and started again with nothing in its memory is joined anew", async () => {
    const death = async (): Promise<{ others: number }> => {
      const server = await StoreServer.start();
      const bench = await inUse(server.address);
      const joins = bench.joins;
      const { longest, after, lines } = await during(
        bench,
        () => server.kill(),
        async () => {
          await rest(500);
          await server.again();
        },
      );
      expect(longest).toBeLessThan(MOST_WAIT);
      expect(after).toBeLessThan(8_000);
      expect(bench.joins).toBeGreaterThan(joins);
      return { others: others(lines, "it closed the connection") };
    };
    expect(await tooMuchInEachRound({ others: 0.5 }, death)).toEqual({});
  });

  test("that closes our connection is joined anew at once", async () => {
    const server = await StoreServer.start();
    const bench = await inUse(server.address);
    const { longest, after } = await during(
      bench,
      () => cli(server, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"),
      () => {},
    );
    expect(longest).toBeLessThan(MOST_WAIT);
    expect(after).toBeLessThan(8_000);
    expect(bench.joins).toBeGreaterThanOrEqual(2);
  });

  test("that forgot the scripts gets their text, and nothing fails", async () => {
    const round = async (): Promise<{ failed: number; changes: number; joins: number }> => {
      const server = await StoreServer.start();
      const bench = await inUse(server.address);
      await server.ask("SCRIPT", "FLUSH");
      await rest(200);
      await bench.end();
      const failed = bench.asked.filter(({ ok }) => !ok).length;
      return { failed, changes: bench.changes.length, joins: bench.joins };
    };
    // On a full machine the store may be late besides.
    expect(await tooMuchInEachRound({ failed: 0.5, changes: 1.5, joins: 1.5 }, round)).toEqual({});
  });

  test.each([
    [
      "whose memory is full",
      ["CONFIG", "SET", "maxmemory", "1"],
      ["CONFIG", "SET", "maxmemory", "0"],
      "its memory is full (maxmemory)",
    ],
    [
      "that became a read-only replica",
      ["REPLICAOF", "127.0.0.1", "1"],
      ["REPLICAOF", "NO", "ONE"],
      "it is a read-only replica",
    ],
  ])("%s is unavailable until it takes writes again", async (_what, fault, heal, cause) => {
    const round = async (): Promise<{ others: number }> => {
      const server = await StoreServer.start();
      const bench = await inUse(server.address);
      const { longest, after, lines } = await during(
        bench,
        () => server.ask(...fault),
        async () => {
          await rest(600);
          expect(bench.link.available).toBe(false);
          await server.ask(...heal);
        },
      );
      expect(longest).toBeLessThan(MOST_WAIT);
      expect(after).toBeLessThan(8_000);
      return { others: others(lines, cause) };
    };
    expect(await tooMuchInEachRound({ others: 0.5 }, round)).toEqual({});
  });

  test("that became a replica is left for the server that its address leads to now", async () => {
    const [old, next] = [await StoreServer.start(), await StoreServer.start()];
    const relay = await Relay.open(old);
    const bench = await inUse(relay.address);
    const { longest } = await during(
      bench,
      async () => {
        await relay.lead(next);
        await old.ask("REPLICAOF", "127.0.0.1", "1");
      },
      () => {},
    );
    expect(longest).toBeLessThan(MOST_WAIT);
    expect(Number(await next.ask("GET", KEY))).toBeGreaterThan(0);
    expect((await relay.count()).open).toBe(1);
  });

  test("whose answers take 200 ms is unavailable, and each question waits for 50 ms", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const bench = await inUse(relay.address);
    const { waited, longest, after } = await during(
      bench,
      () => relay.latency(100),
      async () => {
        await rest(1_500);
        expect(bench.link.available).toBe(false);
        await relay.heal();
      },
    );
    expect(waited).toBeLessThan(80);
    expect(longest).toBeLessThan(MOST_WAIT);
    expect(after).toBeLessThan(8_000);
  });

  test("whose connection is dead, and nothing says so, gets another connection within some seconds", async () => {
    const server = await StoreServer.start();
    const relay = await Relay.open(server);
    const bench = await inUse(relay.address);
    const { waited, longest, after } = await during(
      bench,
      () => relay.lose(),
      () => {},
    );
    expect(waited).toBeLessThan(80);
    expect(longest).toBeLessThan(MOST_WAIT);
    expect(after).toBeGreaterThan(2_000);
    expect(after).toBeLessThan(8_000);
    expect((await relay.count()).open).toBeLessThanOrEqual(2);
  });

  test("a call fails at once without a connection, and beyond 1,000 that wait for an answer", async () => {
    const server = await StoreServer.start();
    const bench = new LinkBench({ address: server.address });
    await expect(bench.add()).rejects.toThrow(new Unavailable("it is not connected"));
    await until("it is available", () => bench.link.available);
    server.freeze();
    const before = performance.now();
    const calls = Array.from({ length: 1_200 }, () => bench.link.call(ADD, [KEY], [], 1_000));
    const ends = Promise.allSettled(calls);
    await expect(bench.add()).rejects.toThrow("too many calls wait for its answers");
    expect(performance.now() - before).toBeLessThan(2_000);
    server.thaw();
    const answered = (await ends).filter(({ status }) => status === "fulfilled");
    expect(answered.length).toBe(1_000);
  });

  test("a thousand calls of one turn open nothing: the time that the process is busy itself does not count", async () => {
    const server = await StoreServer.start();
    const round = async (): Promise<{ unanswered: number; changes: number }> => {
      const bench = new LinkBench({ address: server.address });
      await until("it is available", () => bench.link.available);
      const calls = Array.from({ length: 900 }, () => bench.add());
      const busy = performance.now() + 200;
      while (performance.now() < busy) Math.random();
      const ended = await Promise.allSettled(calls);
      return { unanswered: ended.filter(({ status }) => status === "rejected").length, changes: bench.changes.length };
    };
    // Where other processes of the machine keep the store from its CPU, it does answer late.
    expect(await tooMuchInEachRound({ unanswered: 0.5, changes: 1.5 }, round)).toEqual({});
  });

  test("an error of one script alone leaves the store available; three in a row do not", async () => {
    const server = await StoreServer.start();
    const bench = new LinkBench({ address: server.address });
    await until("it is available", () => bench.link.available);
    await server.ask("SET", `${KEY}:text`, "no hash");
    const wrong = (): Promise<unknown> =>
      bench.link.call(scriptOf("return redis.call('HGET', KEYS[1], 'a')"), [`${KEY}:text`], []);
    await expect(wrong()).rejects.toThrow(/^it answered .*WRONGTYPE/);
    await bench.add();
    await expect(wrong()).rejects.toThrow(Unavailable);
    await expect(wrong()).rejects.toThrow(Unavailable);
    expect(bench.link.available).toBe(true);
    await expect(wrong()).rejects.toThrow(Unavailable);
    expect(bench.link.available).toBe(false);
    await until("it is looked at again", () => bench.link.available);
  });
});

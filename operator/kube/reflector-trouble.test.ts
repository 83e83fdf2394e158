import { describe, expect, test } from "vitest";
import { configMap } from "../../test/fakes/kube-bench.ts";
import {
  a,
  b,
  c,
  has,
  inTime,
  lists,
  pauses,
  reflected,
  starts,
  watches,
  watching,
} from "../../test/fakes/reflector-bench.ts";
import { until } from "../../test/fakes/sockets.ts";

describe("a watch that cannot be resumed", () => {
  test.each(["status", "event"] as const)(
    "(410 as %s) makes the reflector list again, and notice what was deleted meanwhile",
    async (gone) => {
      const its = await watching({}, (server) => {
        server.gone = gone;
        for (const object of [a, b]) server.put(object);
      });
      its.server.watches[0]?.cut();
      await pauses(its);
      its.server.delete("ConfigMap", "demo", "a");
      its.server.put(c);
      its.server.store.compact();
      await inTime(its, "it lists and watches again", () => lists(its) === 2 && its.server.watches.length === 1);
      await has(its, "b", "c");
      expect(its.changes).toEqual(["+a", "+b", "-a", "+c"]);
      expect(lists(its)).toBe(2);
      expect(its.lines.filter((line) => line.startsWith("warn"))).toEqual([]);
    },
  );

  test.each(["status", "event"] as const)(
    "(410 as %s) after a long outage makes the reflector list after a second",
    async (gone) => {
      const its = await watching({}, (server) => void ((server.gone = gone), server.put(a)));
      await its.server.down();
      for (let times = 0; times < 6; times += 1) {
        await pauses(its);
        its.clock.advance(its.clock.next);
      }
      await pauses(its);
      await its.server.up();
      its.server.put(b);
      its.server.store.compact();
      its.clock.advance(its.clock.next);
      await pauses(its);
      expect(its.clock.next).toBe(1000);
      its.clock.advance(1000);
      await has(its, "a", "b");
    },
  );

  test("even right after a list makes the waits grow", async () => {
    const its = await reflected({}, (server) =>
      server.fail(({ query }) => query["watch"] !== undefined, { status: 410, reason: "Expired" }, 1000),
    );
    const waits: number[] = [];
    for (let times = 0; times < 4; times += 1) {
      await pauses(its);
      waits.push(its.clock.next);
      its.clock.advance(its.clock.next);
    }
    expect(waits).toEqual([1000, 2000, 4000, 5000]);
    expect(lists(its)).toBeGreaterThanOrEqual(4);
  });

  test("is like a list that expires half way: the reflector begins the list again", async () => {
    const its = await reflected({}, (server) => {
      for (let index = 0; index < 600; index += 1) server.put(configMap(`map-${index}`));
      server.fail(({ query }) => query["continue"] !== undefined, { status: 410, reason: "Expired" });
    });
    await pauses(its);
    expect(its.reflector.synced).toBe(false);
    expect(its.reflector.objects.size).toBe(0);
    its.server.delete("ConfigMap", "demo", "map-0");
    its.clock.advance(1000);
    await watches(its);
    expect(its.reflector.objects.size).toBe(599);
    expect(lists(its)).toBe(2);
  });

  test.each([
    ["half a line", '{"type":"MODIFIED","object":{"metadata":'],
    ["no event", '{"kind":"Status"}'],
    ["a word", "null"],
    ["an event of no known type", '{"type":"PAUSED","object":{"metadata":{"name":"a","resourceVersion":"1"}}}'],
    ["an event without an object", '{"type":"ADDED"}'],
    ["an event without a version", '{"type":"ADDED","object":{"metadata":{"name":"a"}}}'],
    ["an event without a name", '{"type":"ADDED","object":{"metadata":{"resourceVersion":"7"}}}'],
  ])("since a line of it cannot be read (%s) makes the reflector list again", async (_, line) => {
    const its = await watching({}, (server) => void server.put(a));
    its.server.watches[0]?.line(line);
    await pauses(its);
    its.server.put(b);
    its.clock.advance(1000);
    await has(its, "a", "b");
    await watches(its);
    expect(lists(its)).toBe(2);
    expect(its.changes).toEqual(["+a", "+b"]);
  });

  test("an answer that is no list is not taken for an empty one", async () => {
    const its = await watching({}, (server) => void server.put(a));
    its.server.store.compact();
    its.server.fail(({ query }) => query["watch"] === undefined, { status: 200, body: '{"kind":"Status"}' });
    its.server.watches[0]?.cut();
    await inTime(its, "it watches again", () => lists(its) === 3 && its.server.watches.length === 1);
    expect(its.changes).toEqual(["+a"]);
  });
});

describe("an API server in trouble", () => {
  test("is called less and less often, by one call at a time", async () => {
    const its = await reflected({}, (server) => server.fail("GET", { status: 500 }, 1000));
    const waits: number[] = [];
    for (let times = 0; times < 8; times += 1) {
      await pauses(its);
      waits.push(its.clock.next);
      its.clock.advance(its.clock.next);
    }
    expect(waits).toEqual([1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000]);
    await pauses(its);
    its.server.heal();
    its.clock.advance(5000);
    await watches(its);
    its.clock.advance(1000);
    its.server.watches[0]?.cut();
    await pauses(its);
    expect(its.clock.next).toBe(1000);
  });

  test("that ends each watch at once is called once a second at most, for one watch at a time", async () => {
    let most = 0;
    const its = await reflected({}, (server) =>
      server.fail(({ query }) => query["watch"] !== undefined, { status: 200, body: "" }, 1000),
    );
    for (let times = 0; times < 40; times += 1) {
      await pauses(its);
      most = Math.max(most, its.server.openConnections);
      its.clock.advance(its.clock.next);
    }
    const begun = starts(its);
    const gaps = begun.slice(1).map((at, index) => at - (begun[index] ?? 0));
    expect(gaps).toHaveLength(39);
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000);
    expect(most).toBe(1);
    expect(lists(its)).toBe(1);
  });

  test("is not called for as long as it asks", async () => {
    const its = await reflected({}, (server) => server.fail("GET", { status: 429, headers: { "retry-after": "7" } }));
    await pauses(its);
    expect(its.clock.next).toBe(7000);
    its.clock.advance(7000);
    await watches(its);
    its.server.watches[0]?.line('{"type":"ERROR","object":{"code":429,"details":{"retryAfterSeconds":9}}}');
    await pauses(its);
    expect(its.clock.next).toBe(9000);
  });

  test("that does not answer for 30 s is called again later", async () => {
    const its = await reflected({}, (server) => server.fail("GET", "silence"));
    await until("it asked", () => its.server.calls.length === 1);
    its.clock.advance(30_000);
    await pauses(its);
    expect(its.clock.next).toBe(1000);
    its.clock.advance(1000);
    await watches(its);
  });

  test("does not get every watcher back at the same time", async () => {
    const wait = async (random: number): Promise<number> => {
      const its = await reflected({ random: () => random }, (server) => server.fail("GET", { status: 500 }, 2));
      await pauses(its);
      return its.clock.next;
    };
    expect([await wait(0), await wait(0.5), await wait(1)]).toEqual([1000, 1500, 2000]);
  });

  test("that restarts while others write leaves a copy that is complete again", async () => {
    const its = await watching({}, (server) => void server.put(a));
    await its.server.down();
    await pauses(its);
    its.server.put(b);
    its.clock.advance(1000);
    await pauses(its);
    await its.server.up();
    its.server.delete("ConfigMap", "demo", "a");
    its.clock.advance(2000);
    await has(its, "b");
    expect(its.changes).toEqual(["+a", "+b", "-a"]);
  });
});

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { FakeApiServer } from "../../test/fakes/api-server.ts";
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
  watches,
  watching,
  type ReflectorBench,
} from "../../test/fakes/reflector-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { KINDS } from "./kinds.ts";

describe("a copy", () => {
  test("begins with the objects that exist, and follows each that comes, changes and goes, in order", async () => {
    const its = await watching({}, (server) => void server.put(a));
    expect(its.reflector.synced).toBe(true);
    its.server.put(b);
    its.server.put(configMap("b", { x: "1" }));
    its.server.put(configMap("b", { x: "2" }));
    its.server.delete("ConfigMap", "demo", "a");
    its.server.put(c);
    await has(its, "b", "c");
    expect(its.changes).toEqual(["+a", "+b", "~b", "~b", "-a", "+c"]);
    expect(its.reflector.objects.get("demo/b")).toMatchObject({
      kind: "ConfigMap",
      apiVersion: "v1",
      data: { x: "2" },
    });
    expect(its.restarts).toBe(0);
  });

  test("of 1,200 objects is read in three pages", async () => {
    const its = await watching({}, (server) => {
      for (let index = 0; index < 1200; index += 1) server.put(configMap(`map-${index}`));
    });
    expect(its.reflector.objects.size).toBe(1200);
    const pages = its.server.calls.filter(({ query }) => query["watch"] === undefined);
    expect(pages.map(({ query }) => [query["limit"], query["continue"] !== undefined])).toEqual([
      ["500", false],
      ["500", true],
      ["500", true],
    ]);
  });

  test("can be of one namespace and one label selector; an object that no longer matches leaves it", async () => {
    const labels = { app: "chat" };
    const its = await watching({ namespace: "demo", labelSelector: "app=chat" }, (server) => {
      server.put(configMap("a", {}, labels));
      server.put(b);
      server.put({ ...a, metadata: { name: "a", namespace: "other", labels } });
    });
    await has(its, "a");
    its.server.put(configMap("b", {}, labels));
    await has(its, "a", "b");
    its.server.put(a);
    await has(its, "b");
    expect(its.server.calls.map(({ path }) => path)).toEqual(Array(2).fill("/api/v1/namespaces/demo/configmaps"));
  });

  test("of metadata alone never sees data, not even in annotations", async () => {
    const secret = (name: string) => ({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name,
        namespace: "demo",
        annotations: { "kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0", mine: "x" },
        managedFields: [{ manager: "kubectl" }],
      },
      data: { key: "c2VjcmV0" },
    });
    const its = await watching({ kind: KINDS.Secret, metadataOnly: true }, (server) => void server.put(secret("a")));
    its.server.put(secret("b"));
    await has(its, "a", "b");
    for (const object of its.reflector.objects.values()) {
      expect(object).toMatchObject({ apiVersion: "v1", kind: "Secret", metadata: { annotations: { mine: "x" } } });
      expect(JSON.stringify(object)).not.toMatch(/c2VjcmV0|managedFields/);
    }
    expect(its.server.calls.map(({ headers }) => headers.accept)).toEqual([
      "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
      "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1",
    ]);
  });

  test("is not disturbed by an event that comes twice", async () => {
    const its = await watching();
    const first = its.server.put(configMap("a", { x: "1" }));
    const second = its.server.put(configMap("a", { x: "2" }));
    its.server.watches[0]?.event("MODIFIED", second);
    its.server.delete("ConfigMap", "demo", "a");
    its.server.watches[0]?.event("DELETED", first);
    its.server.put(b);
    await has(its, "b");
    expect(its.changes).toEqual(["+a", "~a", "~a", "-a", "+b"]);
  });
});

describe("after a watch that ended", () => {
  const ends: Record<string, (its: ReflectorBench) => void> = {
    "since its time was over": ({ server }) => server.watches[0]?.cut(),
    "by a reset": ({ server }) => server.watches[0]?.reset(),
    "in the middle of a line": ({ server }) => {
      server.watches[0]?.write('{"type":"ADDED","obj');
      server.watches[0]?.cut();
    },
    "with an ERROR event": ({ server }) =>
      server.watches[0]?.line('{"type":"ERROR","object":{"code":500,"message":"sorry"}}'),
  };
  test.each(Object.entries(ends))("%s, the next one resumes there and misses nothing", async (_, end) => {
    const its = await watching({}, (server) => void server.put(a));
    its.server.put(b);
    await has(its, "a", "b");
    end(its);
    await pauses(its);
    its.server.put(c);
    its.server.delete("ConfigMap", "demo", "a");
    const version = its.reflector.objects.get("demo/b")?.metadata.resourceVersion;
    its.clock.advance(1000);
    await has(its, "b", "c");
    expect(its.changes).toEqual(["+a", "+b", "+c", "-a"]);
    expect(lists(its)).toBe(1);
    expect(its.server.watches[0]?.call.query["resourceVersion"]).toBe(version);
    expect(its.restarts).toBe(1);
  });

  test("since nothing came for 150 s, not even a bookmark, the next one resumes there", async () => {
    const its = await watching();
    const [watch] = its.server.watches;
    its.clock.advance(149_999);
    watch?.bookmark(1000);
    await until("the bookmark came", () => !its.clock.has(1));
    watch?.blackHole();
    its.server.put(a);
    its.clock.advance(149_999);
    expect(its.server.watches).toEqual([watch]);
    its.clock.advance(1);
    await pauses(its);
    expect(its.clock.next).toBe(0);
    its.clock.advance(0);
    await has(its, "a");
    expect(lists(its)).toBe(1);
  });

  test("the next one resumes at the last bookmark", async () => {
    const its = await watching();
    its.server.watches[0]?.bookmark(1042);
    its.server.watches[0]?.cut();
    await pauses(its);
    its.clock.advance(1000);
    await watches(its);
    expect(its.server.watches[0]?.call.query["resourceVersion"]).toBe("1042");
    expect(its.changes).toEqual([]);
  });

  test("after a long life, the next one follows at once", async () => {
    const its = await watching();
    its.clock.advance(100_000);
    its.server.watches[0]?.cut();
    await pauses(its);
    expect(its.clock.next).toBe(0);
  });
});
test("an empty list of metadata has null for its items: the reflector takes it as empty, and watches", async () => {
  const body = '{"kind":"PartialObjectMetadataList","metadata":{"resourceVersion":"1"},"items":null}';
  const its = await reflected({ metadataOnly: true }, (server) => {
    server.fail(({ query }) => query["watch"] === undefined, { status: 200, body });
  });
  await watches(its);
  expect(its.reflector.synced).toBe(true);
  its.server.put(a);
  await has(its, "a");
});

describe("a stop", () => {
  const moments: Record<
    string,
    { prepare?: (server: FakeApiServer) => void; reach: (its: ReflectorBench) => Promise<void> }
  > = {
    "while it lists": {
      prepare: (server) => server.fail("GET", "silence"),
      reach: ({ server }) => until("it lists", () => server.calls.length === 1),
    },
    "between two pages": {
      prepare: (server) => {
        for (let index = 0; index < 501; index += 1) server.put(configMap(`map-${index}`));
        server.fail(({ query }) => query["continue"] !== undefined, "silence");
      },
      reach: ({ server }) => until("it asks for the second page", () => server.calls.length === 2),
    },
    "while it asks for a watch": {
      prepare: (server) => server.fail(({ query }) => query["watch"] !== undefined, "silence"),
      reach: ({ server }) => until("it asks for a watch", () => server.calls.length === 2),
    },
    "while it watches": { reach: watches },
    "while it waits": { prepare: (server) => server.fail("GET", { status: 500 }), reach: pauses },
  };
  test.each(Object.entries(moments))(
    "%s ends it, and leaves no timer and no connection in use",
    async (_, { prepare, reach }) => {
      const its = await reflected({}, prepare);
      await reach(its);
      const synced = its.reflector.whenSynced();
      await its.stop();
      await synced;
      expect(its.clock.pending).toBe(0);
      expect(its.lines).toEqual(its.lines.filter((line) => !line.startsWith("error")));
      its.client.close();
      await until("no connection is left", () => its.server.openConnections === 0);
      expect(its.recording.underWay).toBe(0);
    },
  );
});

test("whatever happens to its watches, the copy has all objects in the end", async () => {
  const step = fc.oneof(
    fc.record({ put: fc.constantFrom("a", "b", "c", "d"), x: fc.constantFrom("1", "2", "3") }),
    fc.record({ remove: fc.constantFrom("a", "b", "c", "d") }),
    fc.constantFrom("cut", "reset", "half", "compact", "bookmark", "fail", "time"),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const its = await watching();
      const { server, clock } = its;
      for (const one of steps) {
        if (typeof one === "object" && "put" in one) server.put(configMap(one.put, { x: one.x }));
        else if (typeof one === "object") {
          if (server.get("ConfigMap", "demo", one.remove) !== undefined) server.delete("ConfigMap", "demo", one.remove);
        } else if (one === "cut") server.watches[0]?.cut();
        else if (one === "reset") server.watches[0]?.reset();
        else if (one === "half") server.watches[0]?.line("{");
        else if (one === "compact") server.store.compact();
        else if (one === "bookmark") server.watches[0]?.bookmark(server.store.version);
        else if (one === "fail") server.fail("GET", { status: 503 });
        else clock.advance(3000);
      }
      server.heal();
      const wanted = (): string =>
        ["a", "b", "c", "d"]
          .map((name) => server.get("ConfigMap", "demo", name)?.metadata.resourceVersion ?? "-")
          .join();
      const there = (): string =>
        ["a", "b", "c", "d"]
          .map((name) => its.reflector.objects.get(`demo/${name}`)?.metadata.resourceVersion ?? "-")
          .join();
      await inTime(its, `it has ${wanted()}`, () => there() === wanted());
      await its.stop();
      await server.down();
    }),
    { numRuns: 40 },
  );
});

import { expect, onTestFinished, test } from "vitest";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";
import type { FakeApiServer } from "../../test/fakes/api-server.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { keys, proxy, service, slice } from "../../test/fakes/operator-bench.ts";
import { until } from "../../test/fakes/sockets.ts";
import { MOST } from "./budgets.ts";
import { Cache, WATCHED_KINDS } from "../watch/cache.ts";
import { Contents } from "../watch/contents.ts";
import { Gatherer, type Gathered } from "./gather.ts";
import { WrittenConfigs } from "./written-configs.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { Load, TooHeavy } from "../platform/load.ts";
import { OwnObjects } from "../watch/own-objects.ts";
import { labelsOf } from "../render/labels.ts";
import { tools } from "../platform/tools.ts";

const { signal } = new AbortController();

/** Passes over `demo/chat`, one after the other. */
async function bench(prepare: (server: FakeApiServer) => void) {
  const { server, client, clock, log } = await kubeBench();
  server.put(proxy());
  prepare(server);
  let heard = 0;
  const cache = new Cache({
    client,
    clock,
    random: () => 0,
    log,
    namespaces: undefined,
    changed: () => void (heard += 1),
    restarted: () => {},
  });
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await cache.whenSynced();
  await until("everything is watched", () => server.watches.length === WATCHED_KINDS.length);
  const contents = new Contents(client);
  const gatherer = new Gatherer(cache, new OwnObjects(cache, clock), contents, new WrittenConfigs());
  const gather = async (load?: Load): Promise<Gathered> => {
    const known = cache.get("WebSocketProxy", "demo", "chat") as KubeObject;
    return (await gatherer.gather(known, signal, load)) as Gathered;
  };
  const change = async (act: () => unknown): Promise<void> => {
    const before = heard;
    act();
    await until("the change is heard", () => heard > before);
  };
  const reads = (): string[] => server.calls.flatMap(({ path }) => /\/secrets\/(.+)$/.exec(path)?.[1] ?? []);
  return { server, contents, gatherer, gather, change, reads };
}

/** A Secret with so many bytes in its entries, made at this minute. */
function large(name: string, size: number, minute: number): ApiObject {
  const made = keys({ [`client-of-${name}`]: `${name}-`.padEnd(size, "x") }, name);
  const creationTimestamp = `2026-01-01T00:${String(minute).padStart(2, "0")}:00Z`;
  return { ...made, metadata: { ...made.metadata, creationTimestamp } };
}

const names = (objects: readonly { readonly metadata: { readonly name: string } }[] = []): string[] =>
  objects.map(({ metadata }) => metadata.name).sort();

test("of a Secret with API keys only digests are retained, no key and no other value", async () => {
  const its = await bench((server) => {
    const made = keys({ alice: "alices-own-key-0001", bob: "short" });
    const annotations = { "wsproxy.dev/disabled": "true", note: "a-note-of-no-use" };
    server.put({ ...made, metadata: { ...made.metadata, annotations } });
  });
  const { resources } = await its.gather();
  expect(resources.secrets).toMatchObject([
    {
      metadata: { name: "keys", labels: { keys: "chat" }, annotations: { "wsproxy.dev/disabled": "true" } },
      type: "Opaque",
      data: {},
      keys: [
        { client: "alice", digest: tools.sha256("alices-own-key-0001") },
        { client: "bob", digest: tools.sha256("short"), fault: "TooShort" },
      ],
    },
  ]);
  expect(JSON.stringify(resources.secrets)).not.toContain("a-note-of-no-use");
  expect(its.contents.weight).toBeLessThan(6000);
});

test("of the Secrets that a selector finds a thousand are read, the oldest ones; the rest costs no call", async () => {
  const its = await bench((server) => {
    for (let at = 0; at < MOST.secrets + 3; at += 1) server.put(large(`s-${String(at).padStart(4, "0")}`, 20, 59));
    server.put(large("old", 20, 1));
  });
  const { resources } = await its.gather();
  expect(resources.secrets).toHaveLength(MOST.secrets);
  expect(names(resources.secrets)).toContain("old");
  expect(names(resources.unread)).toEqual(["s-0999", "s-1000", "s-1001", "s-1002"]);
  expect(resources.unread?.[0]?.beyond).toMatch(/find 1004 Secrets, and 1000 are read for one WebSocketProxy; remove/);
  expect(its.reads()).toHaveLength(MOST.secrets);
  expect([...its.gatherer.exceeded]).toEqual([["secrets"]]);
});

test("of what a proxy names 16 MiB are read, and what lies beyond is not read", async () => {
  const its = await bench((server) => {
    for (let at = 0; at < 40; at += 1) server.put(large(`s-${10 + at}`, 900_000, at));
  });
  const { resources } = await its.gather();
  expect(names(resources.secrets)).toEqual(Array.from({ length: 13 }, (_, at) => `s-${10 + at}`));
  expect(names(resources.unread)).toHaveLength(27);
  expect(resources.unread?.[0]?.beyond).toContain("holds more than 16Mi");
  expect(its.reads().length).toBeLessThanOrEqual(16);
  expect([...its.gatherer.exceeded]).toEqual([["bytes"]]);
});

test("Secrets that were read before are read first, and a new one beyond the budget holds no key that is in force", async () => {
  const its = await bench((server) => {
    for (let at = 0; at < 12; at += 1) server.put(large(`s-${10 + at}`, 900_000, 30 + at));
  });
  expect((await its.gather()).resources.unread).toEqual([]);
  await its.change(() => its.server.put(large("new", 900_000, 1)));
  await its.change(() => its.server.put(large("new-too", 900_000, 2)));
  const { resources } = await its.gather();
  expect(names(resources.secrets)).toEqual([...Array.from({ length: 12 }, (_, at) => `s-${10 + at}`), "new"].sort());
  expect(resources.unread).toMatchObject([{ metadata: { name: "new-too" }, isNew: true }]);

  // An operator that has just started does not know which Secret is new.
  const other = await bench((server) => {
    for (const object of its.server.store.all()) server.put(object);
  });
  const { resources: fresh } = await other.gather();
  expect(fresh.unread?.map(({ isNew }) => isNew)).toEqual([false]);
});

test("entries are counted, and a Secret full of them is the last one that is read", async () => {
  const many = Object.fromEntries(Array.from({ length: 7000 }, (_, at) => [`c-${at}`, `key-of-${at}-0123456789`]));
  const its = await bench((server) => {
    for (const name of ["a", "b", "c", "d"]) server.put({ ...keys(many, name) });
  });
  const { resources } = await its.gather();
  expect(names(resources.secrets)).toEqual(["a", "b"]);
  expect(names(resources.unread)).toEqual(["c", "d"]);
  expect(resources.unread?.[0]?.beyond).toContain("more than 12000 entries");
});

test("the EndpointSlices of a Service are read until the budget of addresses is spent, and their number is reported", async () => {
  const its = await bench((server) => {
    server.put(service());
    for (let at = 0; at < 30; at += 1) {
      const addresses = Array.from({ length: 1000 }, (_, host) => `10.${at}.${host >> 8}.${host & 255}`);
      const made = slice(addresses);
      server.put({ ...made, metadata: { ...made.metadata, name: `echo-${10 + at}` } });
    }
  });
  const { resources } = await its.gather();
  expect(names(resources.endpointSlices)).toEqual(Array.from({ length: 21 }, (_, at) => `echo-${10 + at}`));
  expect([...(resources.cutServices ?? [])]).toEqual([["echo", 30]]);
  expect([...its.gatherer.exceeded]).toEqual([["endpoints"]]);
});

test.each([
  ["in number: a thousand", MOST.slices + 5, 0, MOST.slices],
  ["in bytes: 16 MiB", 20, 1024 * 1024, 16],
])("the EndpointSlices of a Service are read until the budget %s is spent", async (_, count, size, most) => {
  const its = await bench((server) => {
    server.put(service());
    for (let at = 0; at < count; at += 1) {
      const made = slice(["10.0.0.1"]);
      const metadata = { ...made.metadata, name: `echo-${1000 + at}`, annotations: { note: "x".repeat(size) } };
      server.put({ ...made, metadata });
    }
  });
  const { resources } = await its.gather();
  expect(resources.endpointSlices).toHaveLength(most);
  expect([...(resources.cutServices ?? [])]).toEqual([["echo", count]]);
  expect([...its.gatherer.exceeded]).toEqual([["endpoints"]]);
});

test("of the pods with the proxy's label 1,500 are looked at, and its own are among them, those that serve first", async () => {
  const its = await bench((server) => {
    const made = (kind: string, name: string, owner?: ApiObject, status = {}): ApiObject => {
      const reference = owner && {
        ...owner.metadata,
        apiVersion: owner.apiVersion,
        kind: owner.kind,
        controller: true,
      };
      const metadata = { name, namespace: "demo", labels: labelsOf("wsproxy-chat") };
      return server.put({
        apiVersion: kind === "Pod" ? "v1" : "apps/v1",
        kind,
        status,
        metadata: { ...metadata, ...(reference === undefined ? {} : { ownerReferences: [reference] }) },
      });
    };
    const deployment = made("Deployment", "wsproxy-chat", server.put(proxy()));
    const replicaSet = made("ReplicaSet", "wsproxy-chat-7f", deployment);
    for (let at = 0; at < MOST.pods + 10; at += 1) made("Pod", `stranger-${10_000 + at}`);
    // A node that is short of memory evicts each pod that comes; Kubernetes keeps thousands of them.
    for (let at = 0; at < MOST.pods; at += 1) {
      made("Pod", `wsproxy-chat-7f-${10_000 + at}`, replicaSet, { phase: "Failed", reason: "Evicted" });
    }
    made("Pod", "wsproxy-chat-7f-x", replicaSet);
  });
  const { pods } = await its.gather();
  expect(pods.own[0]?.metadata.name).toBe("wsproxy-chat-7f-x");
  expect(pods.own).toHaveLength(MOST.pods);
  expect(pods.strangers).toHaveLength(MOST.pods);
  expect([...its.gatherer.exceeded]).toEqual([["pods"]]);
});

test("a pass that goes beyond its load ends before all of its objects are in memory", async () => {
  const its = await bench((server) => {
    for (let at = 0; at < 12; at += 1) server.put(large(`s-${10 + at}`, 900_000, at));
  });
  await expect(its.gather(new Load(1_000_000))).rejects.toThrow(TooHeavy);
  expect(its.reads().length).toBeLessThan(6);
  const load = new Load();
  await its.gather(load);
  expect(load.bytes).toBeGreaterThan(12 * 900_000);
});

test("a Service beyond the budget in bytes is not said to be missing", async () => {
  const all = Array.from({ length: 18 }, (_, at) => `echo-${String(at).padStart(2, "0")}`);
  const routes = all.map((name) => ({ name, backends: [{ service: name, port: 80 }] }));
  const { gather, gatherer } = await bench((server) => {
    server.put(proxy("chat", { routes }));
    for (const name of all) server.put({ ...service(name), status: { note: "x".repeat(1024 * 1024) } });
  });
  const { resources } = await gather();
  const told = resources.undecoded?.map(({ metadata, words }) => `${metadata.name} ${words.slice(0, 12)}`) ?? [];
  expect(resources.services.length + told.length).toBe(all.length);
  expect(told.at(-1)).toBe("echo-17 is not read:");
  expect([...gatherer.exceeded]).toEqual([["endpoints"]]);
});

test("of the injected pods of a proxy 10,000 are looked at, those that serve first, whatever else has the label", async () => {
  const its = await bench((server) => {
    server.put(
      proxy("chat", { mode: "Sidecar", gateway: undefined, sidecar: { selector: { matchLabels: { app: "shop" } } } }),
    );
    const initContainers = [{ name: "wsproxy", restartPolicy: "Always" }];
    const labels = { "wsproxy.dev/injected": "wsproxy-chat" };
    const made = (name: string, spec: object, phase: string): void => {
      const metadata = { name, namespace: "demo", labels };
      server.put({ apiVersion: "v1", kind: "Pod", metadata, spec, status: { phase } });
    };
    for (let at = 0; at < MOST.pods + 10; at += 1) made(`bare-${at}`, {}, "Pending");
    // Kubernetes keeps the pods of Jobs that have ended.
    for (let at = 0; at < MOST.injectedPods; at += 1) made(`job-${at}`, { initContainers }, "Succeeded");
    made("shop", { initContainers }, "Running");
  });
  const { pods, guests } = await its.gather();
  expect([pods.own.length, pods.strangers.length, guests.length]).toEqual([MOST.injectedPods, MOST.pods, 0]);
  expect(pods.own[0]?.metadata.name).toBe("shop");
  expect([...its.gatherer.exceeded]).toEqual([["pods"]]);
});

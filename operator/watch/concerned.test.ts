import { expect, onTestFinished, test } from "vitest";
import { FakeClock } from "../../test/fakes/clock.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { keys, proxy, service, slice } from "../../test/fakes/operator-bench.ts";
import { Cache, WATCHED_KINDS } from "./cache.ts";
import { Concerned } from "./concerned.ts";
import { referencesOf } from "./references.ts";
import { until } from "../../test/fakes/sockets.ts";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";

/** The proxies that each change concerns, in order. */
async function watching(): Promise<{
  put(object: ApiObject): Promise<string[]>;
  remove(kind: string, name: string): Promise<string[]>;
}> {
  const { server, client, log } = await kubeBench();
  const told: string[][] = [];
  const all = [
    proxy("chat"),
    proxy("other", { routes: [] }),
    { ...proxy("chat"), metadata: { name: "chat", namespace: "far" } },
  ];
  for (const object of all) server.put(object);
  const cache: Cache = new Cache({
    client,
    clock: new FakeClock(),
    random: () => 0,
    log,
    namespaces: undefined,
    changed: (kind, now, before) => void told.push([...concerned.by(kind, now, before)]),
    restarted: () => {},
  });
  const concerned = new Concerned(cache, (key) => {
    const found = all.find(({ metadata }) => `${metadata.namespace}/${metadata.name}` === key);
    return found && referencesOf(found, undefined);
  });
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  await cache.whenSynced();
  await until("everything is watched", () => server.watches.length === WATCHED_KINDS.length);
  const next = async (act: () => void): Promise<string[]> => {
    const before = told.length;
    act();
    await until("the change is heard", () => told.length > before);
    return told[before] ?? [];
  };
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  return {
    put: (object) => next(() => void server.put(object)),
    remove: (kind, name) => next(() => server.delete(kind, "demo", name)),
  };
}

test("a Secret that is selected concerns the proxies of its namespace that select it, as it is and as it was", async () => {
  const it = await watching();
  expect(await it.put(keys({ alice: "alices-own-key-0001" }))).toEqual(["demo/chat"]);
  const unlabelled = keys({ alice: "alices-own-key-0001" });
  expect(await it.put({ ...unlabelled, metadata: { ...unlabelled.metadata, labels: {} } })).toEqual(["demo/chat"]);
  expect(await it.put({ ...unlabelled, metadata: { ...unlabelled.metadata, labels: { any: "other" } } })).toEqual([]);
  expect(await it.put(unlabelled)).toEqual(["demo/chat"]);
  expect(await it.remove("Secret", "keys")).toEqual(["demo/chat"]);
});

test("a Secret with too many labels concerns the proxies of its namespace that select any, since each has to tell of it", async () => {
  const it = await watching();
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`label-${at}`, "x"]));
  const crowded = { ...keys({}), metadata: { name: "crowded", namespace: "demo", labels: many } };
  expect(await it.put(crowded)).toEqual(["demo/chat"]);
  expect(await it.put({ ...crowded, metadata: { ...crowded.metadata, labels: {} } })).toEqual(["demo/chat"]);
});

test("a Service and its EndpointSlices concern the proxies that name it", async () => {
  const it = await watching();
  expect(await it.put(service())).toEqual(["demo/chat"]);
  expect(await it.put(service("unknown"))).toEqual([]);
  expect(await it.put(slice(["10.0.0.1"]))).toEqual(["demo/chat"]);
  expect(await it.put({ ...slice(["10.0.0.1"]), metadata: { name: "echo-1", namespace: "demo" } })).toEqual([
    "demo/chat",
  ]);
  expect(await it.put(slice([], "unknown"))).toEqual([]);
});

test("an object of ours concerns its proxy: by its owner, and a pod by its label", async () => {
  const it = await watching();
  const labels = {
    "app.kubernetes.io/name": "wsproxy",
    "app.kubernetes.io/managed-by": "wsproxy-operator",
    "wsproxy.dev/proxy": "wsproxy-other",
  };
  const ownerReferences = [{ apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: "other", uid: "1" }];
  const metadata = { name: "wsproxy-other", namespace: "demo", labels };
  expect(
    await it.put({ apiVersion: "apps/v1", kind: "Deployment", metadata: { ...metadata, ownerReferences } }),
  ).toEqual(["demo/other"]);
  expect(await it.put({ apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name: "any" } })).toEqual([
    "demo/other",
  ]);
  expect(await it.remove("Pod", "any")).toEqual(["demo/other"]);
});

test("an injected pod concerns its proxy, also one that is gone, and never that of another label", async () => {
  const it = await watching();
  const pod = (name: string, labels: Record<string, string>): ApiObject => {
    return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: "demo", labels } };
  };
  expect(await it.put(pod("one", { "wsproxy.dev/injected": "wsproxy-other" }))).toEqual(["demo/other"]);
  expect(await it.put(pod("one", { "wsproxy.dev/injected": "wsproxy-chat" }))).toEqual(["demo/chat", "demo/other"]);
  const nudged = { metadata: { name: "one", namespace: "demo", annotations: { "wsproxy.dev/config": "a-b" } } };
  const chat = pod("one", { "wsproxy.dev/injected": "wsproxy-chat" });
  const status = { phase: "Running", podIP: "10.0.0.1" };
  const after = { ...chat, metadata: { ...chat.metadata, ...nudged.metadata } };
  expect(await it.put({ ...after, spec: { nodeName: "a" } })).toEqual([]);
  expect(await it.put({ ...after, status })).toEqual(["demo/chat"]);
  expect(await it.remove("Pod", "one")).toEqual(["demo/chat"]);
  const gone = { "wsproxy.dev/injected": "wsproxy-gone", "wsproxy.dev/inject": "gone" };
  expect(await it.put(pod("two", gone))).toEqual(["demo/gone"]);
  expect(await it.put(pod("three", { "wsproxy.dev/injected": "x", "wsproxy.dev/inject": "chat" }))).toEqual([]);
});

test("a ReplicaSet concerns its proxy when it comes, goes, or gets another revision, and not for each pod", async () => {
  const it = await watching();
  const labels = {
    "app.kubernetes.io/name": "wsproxy",
    "app.kubernetes.io/managed-by": "wsproxy-operator",
    "wsproxy.dev/proxy": "wsproxy-chat",
  };
  const set = (revision: string, replicas: number) => ({
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: "wsproxy-chat-1",
      namespace: "demo",
      labels,
      annotations: { "deployment.kubernetes.io/revision": revision },
    },
    spec: { replicas },
  });
  expect(await it.put(set("1", 1))).toEqual(["demo/chat"]);
  expect(await it.put(set("1", 2))).toEqual([]);
  expect(await it.put(set("3", 2))).toEqual(["demo/chat"]);
  expect(await it.remove("ReplicaSet", "wsproxy-chat-1")).toEqual(["demo/chat"]);
});

test("a proxy concerns itself", async () => {
  const it = await watching();
  expect(await it.put(proxy("new"))).toEqual(["demo/new"]);
  expect(await it.remove("WebSocketProxy", "new")).toEqual(["demo/new"]);
});

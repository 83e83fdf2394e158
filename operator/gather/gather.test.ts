import { describe, expect, onTestFinished, test } from "vitest";
import type { Config } from "../../api/config.ts";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { ADMIN_TOKEN } from "../../test/fakes/golden-case.ts";
import { keys, proxy, putAll, RENDER, service, slice } from "../../test/fakes/operator-bench.ts";
import { Cache } from "../watch/cache.ts";
import { Contents } from "../watch/contents.ts";
import { Gatherer, type Gathered } from "./gather.ts";
import { WrittenConfigs } from "./written-configs.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { OwnObjects } from "../watch/own-objects.ts";
import { packer } from "../platform/packer.ts";
import { render } from "../render/render.ts";
import { inCluster } from "../platform/in-cluster.ts";
import { tools } from "../platform/tools.ts";
import { translate } from "../translate/translate.ts";

const { signal } = new AbortController();

/** What a pass over `demo/chat` gathers in a cluster with these objects. */
async function gathered(
  prepare: (put: (object: ApiObject) => ApiObject) => void,
): Promise<Gathered & { reads: string[] }> {
  const { server, client, clock, log } = await kubeBench();
  prepare((object) => server.put(object));
  const cache = new Cache({
    client,
    clock,
    random: () => 0,
    log,
    namespaces: undefined,
    changed: () => {},
    restarted: () => {},
  });
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  onTestFinished(async () => {
    stop.abort();
    await running;
  });
  await cache.whenSynced();
  const gatherer = new Gatherer(cache, new OwnObjects(cache, clock), new Contents(client), new WrittenConfigs());
  const found = cache.get("WebSocketProxy", "demo", "chat") as KubeObject;
  const all = await gatherer.gather(found, signal);
  if (all === undefined) throw new Error("the proxy is gone");
  const data = /\/(secrets|configmaps)\/(.+)$/;
  const reads = server.calls.flatMap(({ path }) => data.exec(path)?.[2] ?? []);
  return { ...all, reads: reads.sort() };
}

/** The objects that an operator has written for a proxy. */
function written(object: ApiObject): ApiObject[] {
  const { namespace = "", name, uid = "" } = object.metadata;
  const resources = { proxy: object, secrets: [], configMaps: [], services: [], endpointSlices: [] };
  const translation = translate(resources, undefined, tools, inCluster);
  return [
    ...render({ namespace, name, uid }, { ...translation, adminToken: ADMIN_TOKEN }, RENDER, packer).manifests,
  ] as never;
}

const names = (objects: readonly { readonly metadata: { readonly name: string } }[]): string[] =>
  objects.map(({ metadata }) => metadata.name).sort();

test("a deny list from before it was a set may have an entry twice, and the proxy is accepted", async () => {
  const { resources } = await gathered((put) => {
    putAll({ put } as never);
    put(proxy("chat", { policies: { deny: { clients: ["eve", "eve"] } } }));
  });
  const { config, status } = translate(resources, undefined, tools, inCluster);
  expect(status.conditions[0]).toMatchObject({ type: "Accepted", status: "True" });
  expect(JSON.stringify(config)).toContain('"clients":["eve"]');
});

describe("a pass looks at", () => {
  test("what its proxy names or selects, in its own namespace, and reads no other data", async () => {
    const { resources, reads } = await gathered((put) => {
      putAll({ put } as never);
      put(keys({ bob: "bobs-quite-own-key-2" }, "second"));
      put({ ...keys({ eve: "nobodys-own-key-0003" }, "third"), metadata: { name: "third", namespace: "demo" } });
      put({
        ...keys({ eve: "nobodys-own-key-0003" }),
        metadata: { name: "keys", namespace: "far", labels: { keys: "chat" } },
      });
      put(slice(["10.0.0.2"], "unknown"));
    });
    expect(names(resources.secrets)).toEqual(["keys", "second"]);
    expect(names(resources.services)).toEqual(["echo"]);
    expect(names(resources.endpointSlices)).toEqual(["echo-1"]);
    expect(reads).toEqual(["keys", "second"]);
  });

  test("no config Secret as a source of keys, whatever it selects: a config made from itself would change in each pass", async () => {
    const ours = { matchExpressions: [{ key: "wsproxy.dev/proxy", operator: "Exists" }] };
    const policies = { authentication: { apiKey: { secretSelector: ours } } };
    const { resources, data } = await gathered((put) => {
      const object = put(
        proxy("chat", { policies, routes: [{ name: "main", backends: [{ service: "echo", port: 80 }] }] }),
      );
      for (const own of written(object)) put(own);
    });
    expect(names(resources.secrets)).toEqual([]);
    const told = resources.undecoded?.map(({ metadata, words }) => `${metadata.name} ${words.slice(0, 29)}`);
    expect(told).toEqual([
      "wsproxy-chat-admin is one that the operator made",
      "wsproxy-chat-config-0 is one that the operator made",
    ]);
    expect([...data.keys()].sort()).toEqual([
      "ConfigMap wsproxy-chat-endpoints",
      "Secret wsproxy-chat-admin",
      "Secret wsproxy-chat-config-0",
    ]);
  });
});

test("a selector that asks for no label makes the operator read nothing", async () => {
  const selector = { matchExpressions: [{ key: "never", operator: "DoesNotExist" }] };
  const policies = { authentication: { apiKey: { secretSelector: selector } } };
  const routes = [{ name: "main", backends: [{ service: "echo", port: 80 }] }];
  const { reads } = await gathered((put) => {
    put(proxy("chat", { policies, routes }));
    put(keys({ alice: "alices-own-key-0001" }));
  });
  expect(reads).toEqual([]);
});

describe("what exists and cannot be used is handed on, not dropped", () => {
  test("a Service or EndpointSlice of a form that is not known", async () => {
    const { resources } = await gathered((put) => {
      putAll({ put } as never);
      put({ ...slice(["10.0.0.1"]), metadata: { ...slice([]).metadata, name: "echo-2" }, ports: "none" });
    });
    expect(names(resources.endpointSlices)).toEqual(["echo-1"]);
    expect(resources.undecoded).toMatchObject([
      {
        kind: "EndpointSlice",
        metadata: { name: "echo-2" },
        service: "echo",
        words: "ports: must be a list, not a string",
      },
    ]);
  });

  test("of Secrets with too many labels a hundred", async () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`l${at}`, "v"]));
    const { resources } = await gathered((put) => {
      putAll({ put } as never);
      for (let at = 0; at < 120; at += 1) {
        put({ ...keys({}), metadata: { name: `crowded-${at}`, namespace: "demo", labels: many } });
      }
    });
    expect(resources.undecoded).toHaveLength(100);
  });

  test("a Secret with more labels than are known: it is found by its name, and by no selector", async () => {
    const many = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`l${at}`, "v"]));
    const { resources, reads } = await gathered((put) => {
      putAll({ put } as never);
      const crowded = keys({ bob: "bobs-quite-own-key-2" }, "crowded");
      put({ ...crowded, metadata: { ...crowded.metadata, labels: { ...many, keys: "chat" } } });
    });
    expect(reads).toEqual(["keys"]);
    expect(resources.undecoded).toMatchObject([
      { kind: "Secret", metadata: { name: "crowded" }, words: expect.stringContaining("more than 64 labels") },
    ]);
  });
});

test("names as long as Kubernetes takes them are gathered", async () => {
  const [name, secret] = ["s".repeat(63), "k".repeat(253)];
  const { resources } = await gathered((put) => {
    put(proxy("chat", { routes: [{ ...firstRoute(), backends: [{ service: name, port: 80 }] }] }));
    for (const object of [service(name), keys({ alice: "alices-own-key-0001" }, secret)]) put(object);
    put({ ...slice(["10.0.0.1"], name), metadata: { ...slice([], name).metadata, name: `${name}-abcde` } });
  });
  expect(names([...resources.services, ...resources.endpointSlices, ...resources.secrets])).toEqual([
    secret,
    name,
    `${name}-abcde`,
  ]);
});

const firstRoute = (): object => (proxy()["spec"] as { routes: [object] }).routes[0];

describe("the config in force", () => {
  const route = (config: Config | undefined): string | undefined => config?.routes[0]?.name;

  test("is read back from its Secret", async () => {
    const { configInForce } = await gathered((put) => {
      putAll({ put } as never);
      for (const own of written(put(proxy()))) put(own);
    });
    expect(route(configInForce)).toBe("main");
  });

  test("is read back with what pods of mode Sidecar get, or with how the Service leads to it", async () => {
    const sidecar = { mode: "Sidecar", gateway: undefined, sidecar: { selector: { matchLabels: { app: "chat" } } } };
    const inForce = async (spec: Record<string, unknown>) => {
      const { resources } = await gathered((put) => {
        for (const own of written(put(proxy("chat", spec)))) put(own);
      });
      return [resources.sidecarInForce, resources.serviceInForce];
    };
    const shape = { ...sidecar.sidecar, listenerPort: 8080, resources: {}, drainPeriod: "30s" };
    expect(await inForce(sidecar)).toEqual([shape, undefined]);
    expect(await inForce({})).toEqual([undefined, { type: "ClusterIP", port: 80 }]);
  });

  test("is none where the Secret is of an earlier proxy of that name, or another writer's, which is not even read", async () => {
    const earlier = await gathered((put) => {
      putAll({ put } as never);
      for (const own of written({ ...proxy(), metadata: { name: "chat", namespace: "demo", uid: "earlier" } }))
        put(own);
    });
    expect(earlier.configInForce).toBeUndefined();
    const others = await gathered((put) => {
      putAll({ put } as never);
      put({
        ...keys({ any: "key-of-another-owner-0001" }),
        metadata: { name: "wsproxy-chat-config-0", namespace: "demo" },
      });
    });
    expect([others.configInForce, others.data.size, others.reads]).toEqual([undefined, 0, ["keys"]]);
  });

  test.each([
    ["its hash is another", { "config.sha256": Buffer.from("0".repeat(64)).toString("base64") }],
    ["a part is missing", { "config.json.gz.0": "" }],
    ["it is no gzip", { "config.json.gz.0": Buffer.from("{}").toString("base64") }],
  ])("is none where %s", async (_, change) => {
    const { configInForce } = await gathered((put) => {
      putAll({ put } as never);
      for (const own of written(put(proxy()))) {
        put(own.kind === "Secret" ? { ...own, data: { ...(own["data"] as object), ...change } } : own);
      }
    });
    expect(configInForce).toBeUndefined();
  });
});

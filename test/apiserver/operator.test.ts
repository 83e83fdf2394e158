import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { systemClock } from "../../runtime/clock.ts";
import { keys, proxy, service, slice } from "../fakes/operator-bench.ts";
import { Program } from "../fakes/program.ts";
import { until } from "../fakes/sockets.ts";
import { destroy, newNamespace, read } from "./bench.ts";
import { ControlPlane } from "./control-plane.ts";
import { installCrd } from "./crd.ts";
import { conditionOf, eventually, listOf, PodReports, startOperator, type Proxy } from "./operator-bench.ts";

const QUICKSTART = join(import.meta.dirname, "../../examples/quickstart");
const PARTS = ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"] as const;

let plane: ControlPlane;
let client: KubeClient;

// A control plane of its own, because the test restarts it. With controllers, which delete children and create pods.
beforeAll(async () => {
  plane = await ControlPlane.start({ controllerManager: true });
  client = new KubeClient(await plane.config(), systemClock);
  await installCrd(client);
});
afterAll(async () => {
  client.close();
  await plane.stop();
});

/** Applies objects of files and builders in another namespace. */
async function applyIn(namespace: string, objects: readonly KubeObject[]): Promise<void> {
  for (const object of objects) {
    const kind = KINDS[object.kind as keyof typeof KINDS];
    await client.request({
      method: "PATCH",
      path: pathOf(kind, namespace, object.metadata.name),
      query: { fieldManager: "tester", force: true },
      contentType: "application/apply-patch+yaml",
      body: { ...object, metadata: { ...object.metadata, namespace } },
    });
  }
}

/** The objects of the quickstart for a cluster: without EndpointSlices, which Kubernetes writes itself. */
function quickstart(): KubeObject[] {
  return readdirSync(QUICKSTART)
    .filter((name) => name.endsWith(".yaml"))
    .flatMap((name) => parseAllDocuments(readFileSync(join(QUICKSTART, name), "utf8")))
    .map((document) => document.toJS() as KubeObject)
    .filter(({ kind }) => kind !== "EndpointSlice");
}

const proxyIn = (namespace: string, name = "chat"): Promise<Proxy> =>
  read<Proxy>(client, "WebSocketProxy", namespace, name);

/** A proxy with ten routes. */
function tenRoutes(name: string): KubeObject {
  const [route] = (proxy().spec as { routes: object[] }).routes;
  const routes = Array.from({ length: 10 }, (_, at) => ({ ...route, name: `r${at}`, path: { value: `/r${at}` } }));
  return proxy(name, { routes });
}

describe("the quickstart", () => {
  test("comes up, is served, is edited by others in vain, and is gone when its proxy is", async () => {
    const namespace = await newNamespace(client);
    const reports = new PodReports(client, namespace);
    const { writes } = startOperator(client, [namespace], await reports.reserve());
    await applyIn(namespace, quickstart());
    await until(
      "it waits for pods",
      async () => conditionOf(await proxyIn(namespace), "Programmed") === "False Pending",
    );
    const { metadata } = await proxyIn(namespace);
    for (const kind of PARTS) {
      const object = await read<KubeObject>(client, kind, namespace, "wsproxy-chat");
      expect(object.metadata.ownerReferences).toEqual([
        expect.objectContaining({ kind: "WebSocketProxy", name: "chat", uid: metadata.uid, controller: true }),
      ]);
    }
    await reports.run("wsproxy-chat");
    await reports.run("wsproxy-chat");
    await eventually("both pods are seen to serve", async () => {
      const { status } = await proxyIn(namespace);
      return status?.dataplane?.readyReplicas === 2;
    });
    const served = await proxyIn(namespace);
    expect(conditionOf(served, "Ready")).toBe("True Ready");
    expect(served.status).toMatchObject({
      acceptedRoutes: "1/1",
      address: `wsproxy-chat.${namespace}.svc:80`,
      dataplane: { replicas: 2, readyReplicas: 2 },
    });

    const began = Date.now();
    const [keySecret] = quickstart().filter(({ kind }) => kind === "Secret");
    await destroy(client, "Secret", namespace, keySecret?.metadata.name ?? "");
    await eventually("pods serve the revocation", async () => {
      const now = await proxyIn(namespace);
      return conditionOf(now, "ResolvedRefs") === "False ApiKeysNotFound" && conditionOf(now, "Ready") === "True Ready";
    });

    expect(Date.now() - began).toBeLessThan(10_000);

    const before = writes.length;
    await client.request({
      method: "PATCH",
      path: pathOf(KINDS.Deployment, namespace, "wsproxy-chat"),
      contentType: "application/merge-patch+json",
      body: { spec: { revisionHistoryLimit: 9 } },
    });
    await eventually("it is undone", async () => {
      const { spec } = await read<KubeObject & { spec: { revisionHistoryLimit: number } }>(
        client,
        "Deployment",
        namespace,
        "wsproxy-chat",
      );
      return spec.revisionHistoryLimit === 3 && writes.length > before;
    });
    await settled(writes);
    // The field manager of the number of pods takes that over, then the change is undone.
    expect(writes.slice(before).filter((write) => write.includes("/deployments/"))).toHaveLength(2);

    await destroy(client, "WebSocketProxy", namespace, "chat");
    await eventually(
      "everything of it is gone",
      async () => {
        const left = await Promise.all([...PARTS, "Secret" as const].map((kind) => listOf(client, kind, namespace)));
        return left.flat().filter(({ metadata: { name } }) => name.startsWith("wsproxy-")).length === 0;
      },
      90_000, // the controllers look for new kinds every 30 s, and delete nothing before they know ours
    );
  }, 150_000);
});

/** Waits until the operator has written nothing for a second. */
async function settled(writes: readonly string[], ms = 1000, most = 60_000): Promise<void> {
  let seen = -1;
  let since = Date.now();
  await until(
    "nothing is written any more",
    () => {
      if (writes.length !== seen) [seen, since] = [writes.length, Date.now()];
      return Date.now() - since >= ms;
    },
    most,
  );
}

describe("a hundred proxies with ten routes each", () => {
  test("settle within seconds, then nothing is written, and a restart of the API server loses no edit", async () => {
    const namespace = await newNamespace(client);
    await applyIn(namespace, [service(), slice(["10.0.0.1"]), keys({ alice: "alices-own-key-0001" })] as KubeObject[]);
    const names = Array.from({ length: 100 }, (_, at) => `p${at}`);
    for (const name of names) await applyIn(namespace, [tenRoutes(name)]);
    const { writes, client: counting } = startOperator(client, [namespace], 1);
    const observed = async (generation: number): Promise<boolean> =>
      (await listOf<Proxy>(client, "WebSocketProxy", namespace)).every(
        ({ status }) => status?.observedGeneration === generation && status.acceptedRoutes === "10/10",
      );
    await eventually("all have a status", () => observed(1), 60_000);
    await settled(writes, 3000);

    const [quiet, calls] = [writes.length, counting.calls];
    await new Promise((resolve) => setTimeout(resolve, 30_000));
    expect(writes.slice(quiet)).toEqual([]);
    expect(counting.calls).toBe(calls);

    const edit = async (name: string, limit: number): Promise<void> => {
      await client.request({
        method: "PATCH",
        path: pathOf(KINDS.WebSocketProxy, namespace, name),
        contentType: "application/merge-patch+json",
        body: { spec: { policies: { connections: [{ per: "Client", limit }] } } },
      });
    };
    for (const name of names.slice(0, 50)) await edit(name, 5);
    await plane.stopApiServer();
    await plane.startApiServer();
    for (const name of names.slice(50)) await edit(name, 5);
    await eventually("every edit is observed", () => observed(2), 60_000);
    await settled(writes);
    const secrets = (await listOf(client, "Secret", namespace)).filter(({ metadata }) =>
      metadata.name.endsWith("-config-0"),
    );
    expect(secrets).toHaveLength(100);
  }, 180_000);
});

test("a thousand proxies settle, each with its own objects", async () => {
  const namespace = await newNamespace(client);
  await applyIn(namespace, [service(), slice(["10.0.0.1"]), keys({ alice: "alices-own-key-0001" })] as KubeObject[]);
  const names = Array.from({ length: 1000 }, (_, at) => `p${at}`);
  const manifests = names.map((name) => proxy(name, { gateway: { replicas: 0 } })); // their pods are not tried here
  await applyIn(namespace, manifests);
  const { writes } = startOperator(client, [namespace], 1);
  await until("it has begun", () => writes.length > 0, 20_000);
  await settled(writes, 5000, 150_000); // a thousand of them are too dear to be looked at again and again
  const proxies = await listOf<Proxy>(client, "WebSocketProxy", namespace);
  expect(proxies.filter(({ status }) => status?.observedGeneration === 1)).toHaveLength(1000);
  for (const kind of PARTS) {
    const made = (await listOf(client, kind, namespace)).filter(({ metadata: { name } }) =>
      /^wsproxy-p\d+$/.test(name),
    );
    expect([kind, made.length]).toEqual([kind, 1000]);
  }
}, 240_000);

describe("three operators as processes", () => {
  test("one that is paused loses the lead, and writes nothing when it wakes up", async () => {
    const namespace = await newNamespace(client);
    const programs = Array.from({ length: 3 }, () => {
      const where = ["--kubeconfig", plane.kubeconfig, "--namespace", namespace, "--watch-namespaces", namespace];
      return new Program(["operator", "--dataplane-image", "wsproxy:1", "--admin-port", "0", ...where]);
    });
    await until("one leads", () => programs.some((one) => one.lines("leading").length > 0), 20_000);
    await applyIn(namespace, [
      service(),
      slice(["10.0.0.1"]),
      keys({ alice: "alices-own-key-0001" }),
      proxy(),
    ] as KubeObject[]);
    const isObserved = async (generation: number): Promise<boolean> =>
      (await proxyIn(namespace)).status?.observedGeneration === generation;
    await eventually("it is worked on", () => isObserved(1), 20_000);
    const leader = programs.find((one) => one.lines("leading").length > 0) as Program;
    leader.signal("SIGSTOP");
    const others = programs.filter((one) => one !== leader);
    await applyIn(namespace, [
      proxy("chat", { policies: { connections: [{ per: "Client", limit: 5 }] } }),
    ] as KubeObject[]);
    await eventually("another one leads and works", () => isObserved(2), 40_000);
    const holder = async (): Promise<unknown> =>
      (await read<KubeObject & { spec: { holderIdentity: string } }>(client, "Lease", namespace, "wsproxy-operator"))
        .spec.holderIdentity;
    const now = await holder();
    leader.signal("SIGCONT");
    await until("the first one knows", () => leader.lines("not leading any more").length === 1, 20_000);
    await applyIn(namespace, [
      proxy("chat", { policies: { connections: [{ per: "Client", limit: 6 }] } }),
    ] as KubeObject[]);
    await eventually("the second one works on", () => isObserved(3), 20_000);
    expect(await holder()).toBe(now);
    expect(leader.lines("leading")).toHaveLength(1);
    expect(others.filter((one) => one.lines("leading").length === 1)).toHaveLength(1);
    for (const program of programs) program.signal("SIGTERM");
    expect(await Promise.all(programs.map((one) => one.exit()))).toEqual([0, 0, 0]);
    expect(await holder()).toBe("");
  }, 120_000);
});

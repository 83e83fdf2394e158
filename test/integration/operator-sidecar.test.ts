import { describe, expect, test } from "vitest";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import { packer } from "../../operator/platform/packer.ts";
import { namesOf } from "../../operator/render/names.ts";
import { sidecarHash } from "../../operator/render/sidecar.ts";
import type { SidecarShape } from "../../operator/translate/translation.ts";
import type { ApiObject } from "../fakes/api-server-store.ts";
import type { PodBehaviour } from "../fakes/dataplane-pod.ts";
import { keys, OperatorBench, proxy, putAll, RENDER } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";

const READY = ["True Programmed", "True Ready"];
const SIDECAR = { mode: "Sidecar", gateway: undefined, sidecar: { selector: { matchLabels: { app: "shop" } } } };
const SHAPE: SidecarShape = {
  selector: { matchLabels: { app: "shop" } },
  listenerPort: 8080,
  resources: {},
  drainPeriod: "30s",
};
const NEWEST = sidecarHash(namesOf("chat", packer.hash), SHAPE, RENDER, packer.hash);
const OBJECTS = [
  ["Secret", "wsproxy-chat-config-0"],
  ["Secret", "wsproxy-chat-admin"],
  ["ConfigMap", "wsproxy-chat-endpoints"],
] as const;

const state = (bench: OperatorBench): string => [bench.condition("Programmed"), bench.condition("Ready")].join();
const programmed = (bench: OperatorBench): string =>
  bench.status()?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";
const dataplane = (bench: OperatorBench): WebSocketProxyStatus["dataplane"] => bench.status()?.dataplane;
const nudges = ({ server }: OperatorBench, from = 0): string[] =>
  server.writes.slice(from).flatMap(({ path }) => (path.includes("/pods/") ? [path.split("/").at(-1) ?? ""] : []));

/** Objects of a proxy of mode Sidecar, and no operator yet. */
async function bare(): Promise<OperatorBench> {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.server.put(proxy("chat", SIDECAR));
  return bench;
}

const add = (bench: OperatorBench, name: string, more: PodBehaviour = {}) =>
  bench.pods.add("chat", name, { ...more, injected: { shape: NEWEST, ...more.injected } });

/** An operator, and injected pods that serve everything. */
async function served(...pods: PodBehaviour[]): Promise<OperatorBench> {
  const bench = await bare();
  bench.operator();
  await until("there is a config", () => OBJECTS.every(([kind, name]) => bench.server.get(kind, "demo", name)));
  for (const [at, more] of pods.entries()) await add(bench, `shop-${at}`, more);
  return bench;
}

describe("a proxy of mode Sidecar", () => {
  test("without a pod is programmed and not ready, and has neither pods nor a Service of its own", async () => {
    const bench = await served();
    await until("it is told", () => state(bench) === "True Programmed,False NoReadyPods");
    await bench.quiet();
    expect(programmed(bench)).toContain("No pod has the data plane yet.");
    expect(bench.status()).not.toHaveProperty("address");
    expect(dataplane(bench)).toEqual({
      replicas: 0,
      readyReplicas: 0,
      outdated: 0,
      selector: "wsproxy.dev/injected=wsproxy-chat",
      configHash: expect.any(String),
    });
    expect(bench.writes().filter((write) => /deployments|services|networkpolicies|poddisruption/.test(write))).toEqual(
      [],
    );
  });

  test("is served by its injected pods, each asked at its own admin port, and none is nudged that serves", async () => {
    const bench = await served({}, { injected: { moved: true } }, {});
    await until("it is ready", () => state(bench) === READY.join());
    await until("all are counted", () => dataplane(bench)?.replicas === 3);
    await bench.quiet();
    expect(bench.pods.all.map(({ asked }) => asked > 0)).toEqual([true, true, true]);
    expect(bench.pods.all[1]?.adminPort).not.toBe(bench.pods.port);
    expect(dataplane(bench)).toMatchObject({ replicas: 3, readyReplicas: 3, outdated: 0 });
    expect(nudges(bench)).toEqual([]);
    const before = bench.server.writes.length;
    await bench.quiet(500);
    expect(bench.server.writes.length).toBe(before);
  });

  test("has its revocations in all injected pods in a moment, those included that are not ready", async () => {
    const revocation = async (): Promise<{ served: number }> => {
      const bench = await served({}, { lag: 100 }, { lag: 100 });
      bench.pods.all[2]?.appear("Running", "False");
      await until("it is ready", () => state(bench) === READY.join() && dataplane(bench)?.readyReplicas === 2);
      await bench.quiet();
      const hash = dataplane(bench)?.configHash;
      const [began, from] = [Date.now(), bench.server.writes.length];
      bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
      await until("another config is in force", () => ![hash, undefined].includes(dataplane(bench)?.configHash));
      const wanted = dataplane(bench)?.configHash;
      await until("the pods serve it", () => bench.pods.all.every((pod) => pod.report().proxies[0]?.hash === wanted));
      const time = Date.now() - began;
      expect(nudges(bench, from).sort()).toEqual(["shop-0", "shop-1", "shop-2"]);
      return { served: time };
    };
    expect(await tooMuchInEachRound({ served: 2000 }, revocation)).toEqual({});
  });

  test("is programmed with a pod whose own process is broken, and not with a silent one", async () => {
    const bench = await served({}, {});
    bench.pods.all[1]?.appear("Running", "False");
    await until("it is ready", () => state(bench) === READY.join() && dataplane(bench)?.readyReplicas === 1);
    bench.edit({ ...SIDECAR, policies: { deny: { clients: ["bob"] } } });
    await until("the edit is served", () => bench.status()?.observedGeneration === 3 && state(bench) === READY.join());
    await add(bench, "shop-2", { silent: true });
    bench.edit({ ...SIDECAR, policies: { deny: { clients: ["eve"] } } });
    await until("one is behind", () => state(bench) === "False RollingOut,True Ready");
    await until("it is named", () =>
      programmed(bench).includes("2 of 3 pods so far. Without the newest config: shop-2."),
    );
  });

  test("counts pods of an older shape, names them and the command that restarts them, and is programmed", async () => {
    const set = { kind: "StatefulSet", name: "db", uid: "db", controller: true };
    const bench = await served({ injected: { shape: "older" } }, { injected: { shape: "older", owner: set } }, {});
    await until("it is counted", () => dataplane(bench)?.outdated === 2 && state(bench) === READY.join());
    expect(programmed(bench)).toContain(
      "With a container of an older shape: shop-0, shop-1. kubectl rollout restart --namespace demo deployment/shop statefulset/db restarts them.",
    );
  });

  test("says what a preStop hook of a pod's own container costs, and which pods have the label alone", async () => {
    const bench = await served({ injected: { ownPreStop: "app" } });
    const metadata = { name: "bare", namespace: "demo", labels: { "wsproxy.dev/injected": "wsproxy-chat" } };
    bench.server.put({ apiVersion: "v1", kind: "Pod", metadata, spec: {}, status: { phase: "Running" } });
    await until("it is ready", () => state(bench) === READY.join());
    await until("it says so", () => programmed(bench).includes("With a preStop hook of their own: container app."));
    expect(programmed(bench)).toContain(
      "With the label wsproxy.dev/injected, and without the native sidecar wsproxy: bare.",
    );
    expect(dataplane(bench)).toMatchObject({ replicas: 1 });
  });
});

test("pods that were admitted before the first config are nudged with it, also while they start", async () => {
  const bench = await bare();
  const first = await add(bench, "shop-0");
  const second = await add(bench, "shop-1");
  first.appear("Pending", "False");
  second.appear("Running", "False");
  bench.operator();
  await until("both serve", () => bench.pods.all.every((pod) => pod.report().proxies[0]?.hash !== ""));
  expect(nudges(bench).slice(0, 2).sort()).toEqual(["shop-0", "shop-1"]);
  const writes = bench.writes();
  expect(writes.indexOf("PATCH pods/shop-0")).toBeGreaterThan(
    writes.indexOf("PATCH configmaps/wsproxy-chat-endpoints"),
  );
  await until("it is programmed", () => state(bench) === "True Programmed,False NoReadyPods");
});

test("a pod that starts does not make a programmed proxy roll out", async () => {
  const bench = await served({});
  await until("it is ready", () => state(bench) === READY.join());
  const late = await add(bench, "shop-1", { silent: true });
  const pod = bench.server.get("Pod", "demo", "shop-1") as ApiObject;
  const waiting = { name: "wsproxy", state: { waiting: { reason: "PodInitializing" } } };
  const status = { ...(pod["status"] as object), phase: "Pending", conditions: [], initContainerStatuses: [waiting] };
  bench.server.put({ ...pod, status });
  await until("it is counted", () => dataplane(bench)?.replicas === 2);
  const asked = late.asked;
  await bench.quiet(500);
  expect(late.asked).toBe(asked);
  expect([...bench.everSaid()].filter((said) => said.startsWith("Programmed"))).toEqual(["Programmed Programmed"]);
});

describe("when a proxy of mode Sidecar is deleted", () => {
  const remove = (bench: OperatorBench): void => {
    for (const [kind, name] of OBJECTS) bench.server.delete(kind, "demo", name);
  };

  test("its pods are nudged once its config is gone, and again", async () => {
    const bench = await served({}, {});
    await until("it is ready", () => state(bench) === READY.join());
    await bench.quiet();
    bench.server.delete("WebSocketProxy", "demo", "chat");
    await bench.quiet();
    expect(nudges(bench)).toEqual([]);
    remove(bench);
    await until("both are nudged", () => nudges(bench).length === 2);
    await until("both are nudged again", () => nudges(bench).length === 4);
    const values = bench.pods.all.map(({ name }) => bench.server.get("Pod", "demo", name)?.metadata.annotations);
    expect(values.map((all) => all?.["wsproxy.dev/config"]?.startsWith("gone-gone-"))).toEqual([true, true]);
  });

  test("while no operator ran, its pods are nudged by the next one", async () => {
    const bench = await bare();
    const first = bench.operator();
    await until("there is a config", () => OBJECTS.every(([kind, name]) => bench.server.get(kind, "demo", name)));
    await add(bench, "shop-0");
    await until("it is ready", () => state(bench) === READY.join());
    await first.stop();
    bench.server.delete("WebSocketProxy", "demo", "chat");
    remove(bench);
    bench.operator();
    await until("the pod is nudged", () => nudges(bench).length === 1);
  });

  test("a process that leads again tells its pods again: what another one told them meanwhile is not known", async () => {
    const bench = await bare();
    const lease = { namespace: "wsproxy-system", name: "wsproxy-operator" };
    const { lines } = bench.operator({ clock: quickClock(10), lease });
    const said = (line: string): number => lines.filter((one) => one === line).length;
    await until("there is a config", () => OBJECTS.every(([kind, name]) => bench.server.get(kind, "demo", name)));
    await add(bench, "shop-0");
    await until("it is ready", () => state(bench) === READY.join());
    bench.server.delete("WebSocketProxy", "demo", "chat");
    remove(bench);
    await until("all rounds are over", () => nudges(bench).length === 4);
    bench.server.fail(({ path, method }) => path.includes("/leases") && method !== "GET", { status: 500 }, 1000);
    // The end of its term, not of its time: a renewal that was under way then may still come through.
    await until("its term is over", () => said("info not leading any more") === 1);
    bench.server.heal();
    await until("it leads again", () => said("info leading") === 2);
    await until("the pod is nudged again", () => nudges(bench).length > 4);
  }, 20_000);

  test("and made anew with mode Gateway, its pods are none of the new one, but are nudged for its config", async () => {
    const bench = await served({});
    await until("it is ready", () => state(bench) === READY.join());
    bench.server.delete("WebSocketProxy", "demo", "chat");
    bench.server.put(proxy("chat"));
    await until("it has a Service", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
    await until("the pod is nudged", () => nudges(bench).length > 0);
    await bench.quiet();
    expect(state(bench)).toBe("False Pending,False NoReadyPods");
    expect(dataplane(bench)).toMatchObject({
      replicas: 0,
      selector: "app.kubernetes.io/component=dataplane,wsproxy.dev/proxy=wsproxy-chat",
    });
    expect(dataplane(bench)).not.toHaveProperty("outdated");
    expect(programmed(bench)).not.toContain("shop-0");
  });

  test("and made anew with a spec that is not accepted, its pods are nudged all the same", async () => {
    const bench = await served({});
    await until("it is ready", () => state(bench) === READY.join());
    await bench.quiet();
    bench.server.delete("WebSocketProxy", "demo", "chat");
    bench.server.put(proxy("chat", { ...SIDECAR, listener: { port: 80 } }));
    await until("it is not accepted", () => bench.condition("Accepted") === "False Invalid");
    expect(nudges(bench)).toEqual([]);
    remove(bench);
    await until("the pod is nudged, and again", () => nudges(bench).length === 2);
    const { annotations } = bench.server.get("Pod", "demo", "shop-0")?.metadata ?? {};
    expect(annotations?.["wsproxy.dev/config"]).toMatch(/^gone-gone-/);
  });

  test("a Gateway of the same name that is made anew with mode Sidecar counts injected pods only", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.operator();
    await until("it has a Service", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
    await bench.pods.add("chat", "gateway-0");
    await until("it is ready", () => state(bench) === READY.join());
    bench.server.delete("WebSocketProxy", "demo", "chat");
    bench.server.put(proxy("chat", SIDECAR));
    await until("it is told", () => state(bench) === "True Programmed,False NoReadyPods");
    await add(bench, "shop-0");
    await until("it is ready again", () => state(bench) === READY.join());
    expect(dataplane(bench)).toMatchObject({ replicas: 1, readyReplicas: 1, outdated: 0 });
    expect(bench.status()).not.toHaveProperty("address");
    await bench.quiet();
    expect(bench.writes().filter((write) => write.startsWith("DELETE"))).toEqual([]);
  });
});

import { describe, expect, test } from "vitest";
import type { ApiObject } from "../fakes/api-server-store.ts";
import type { FakeApiServer } from "../fakes/api-server.ts";
import { keys, OperatorBench, putAll, slice } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { tooMuchInEachRound } from "../fakes/rounds.ts";
import { until } from "../fakes/sockets.ts";

const READY = ["True Programmed", "True Ready"];

const state = (bench: OperatorBench): string[] => [bench.condition("Programmed"), bench.condition("Ready")];

const nudges = ({ server }: OperatorBench): string[] =>
  server.writes.filter(({ path }) => path.includes("/pods/")).map(({ path }) => path.split("/").at(-1) ?? "");

/** An operator, and pods that serve everything. */
async function served(behaviours: Parameters<OperatorBench["pods"]["add"]>[2][]): Promise<OperatorBench> {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.operator();
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  for (const [index, behaviour] of behaviours.entries()) await bench.pods.add("chat", `pod-${index}`, behaviour);
  return bench;
}

describe("pods that serve what they are to", () => {
  test("make the proxy Programmed and Ready, and are not nudged", async () => {
    const bench = await served([{}, {}]);
    await until("it is ready", () => state(bench).join() === READY.join());
    expect(bench.status()?.dataplane).toMatchObject({ replicas: 2, readyReplicas: 2 });
    expect(nudges(bench)).toEqual([]);
    await bench.quiet();
    const before = bench.server.writes.length;
    await bench.quiet(500);
    expect(bench.server.writes.length).toBe(before);
  });

  test("serve a revocation in a moment, each nudged once", async () => {
    const revocation = async (): Promise<{ known: number; served: number }> => {
      const bench = await served([{ lag: 100 }, { lag: 100 }]);
      await until("it is ready", () => state(bench).join() === READY.join());
      const hash = bench.status()?.dataplane?.configHash;
      const began = Date.now();
      bench.server.delete("Secret", "demo", "keys");
      await until("another config is in force", () => bench.status()?.dataplane?.configHash !== hash);
      const known = Date.now() - began;
      const wanted = bench.status()?.dataplane?.configHash;
      await until("the pods serve it", () => bench.pods.all.every((pod) => pod.report().proxies[0]?.hash === wanted));
      expect(nudges(bench).sort()).toEqual(["pod-0", "pod-1"]);
      return { known, served: Date.now() - began };
    };
    expect(await tooMuchInEachRound({ known: 1000, served: 2000 }, revocation)).toEqual({});
  });

  test("are nudged for new endpoints too", async () => {
    const bench = await served([{}]);
    await until("it is ready", () => state(bench).join() === READY.join());
    const before = bench.server.writes.length;
    bench.server.put(slice(["10.0.0.1", "10.0.0.2"]));
    await until("the pod is nudged", () => nudges(bench).length === 1);
    await until("it is programmed again", () => state(bench).join() === READY.join());
    expect(bench.writes(before).slice(0, 2)).toEqual(["PATCH configmaps/wsproxy-chat-endpoints", "PATCH pods/pod-0"]);
  });

  test("get a revocation before anything else is written, whatever else is refused", async () => {
    const bench = await served([{}]);
    await until("it is ready", () => state(bench).join() === READY.join());
    const before = bench.server.writes.length;
    bench.server.fail(({ path, method }) => method === "PATCH" && path.includes("/deployments/"), { status: 422 }, 1);
    const deployment = bench.server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
    bench.server.put({ ...deployment, spec: { ...(deployment["spec"] as object), revisionHistoryLimit: 9 } });
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("the pod is nudged", () => nudges(bench).length === 1);
    await until("it is programmed again", () => state(bench).join() === READY.join());
    const writes = bench.writes(before);
    expect(writes.indexOf("PATCH pods/pod-0")).toBe(writes.indexOf("PATCH secrets/wsproxy-chat-config-0") + 1);
  });
});

test("changed keys and endpoints change no condition, and write no Event", async () => {
  const bench = await served([{ lag: 400 }]);
  await until("it is ready", () => state(bench).join() === READY.join());
  await bench.quiet();
  const [conditions, from] = [bench.status()?.conditions, bench.server.writes.length];
  for (const [at, value] of ["one", "two", "three"].entries()) {
    bench.server.put(keys({ bob: `bobs-quite-own-key-${value}` }));
    bench.server.put(slice([`10.0.0.${at + 1}`]));
    await until("the pod is nudged", () => nudges(bench).length > at);
    expect(bench.status()?.conditions).toEqual(conditions);
  }
  await bench.quiet();
  expect(bench.status()?.conditions).toEqual(conditions);
  expect(bench.server.writes.slice(from).filter(({ path }) => path.includes("/events"))).toEqual([]);
  expect([...bench.everSaid()].filter((said) => said.startsWith("Programmed"))).toEqual([
    "Programmed Pending",
    "Programmed Programmed",
  ]);
});

describe("Ready", () => {
  test("stays True while an edit is rolled out, and after one that is not accepted", async () => {
    const bench = await served([{ lag: 300 }]);
    await until("it is ready", () => state(bench).join() === READY.join());
    bench.edit({ policies: { deny: { clients: ["bob"] } } });
    await until("the pod is behind", () => state(bench).join() === "False RollingOut,True Ready");
    await until("it serves", () => state(bench).join() === READY.join());
    bench.edit({ routes: [] });
    await until("the edit is not accepted", () => state(bench).join() === "False NotAccepted,True Ready");
    expect([...bench.everSaid()].filter((said) => said.startsWith("Ready"))).toEqual([
      "Ready NoReadyPods",
      "Ready Ready",
    ]);
  });

  test("is False as soon as the last ready pod is deleted", async () => {
    const bench = await served([{}]);
    await until("it is ready", () => state(bench).join() === READY.join());
    const pod = bench.server.get("Pod", "demo", "pod-0") as ApiObject;
    bench.server.put({ ...pod, metadata: { ...pod.metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } });
    await until("it is not", () => state(bench).join() === "False Pending,False NoReadyPods");
  });

  test("is False for a proxy of which nothing was ever accepted", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.edit({ routes: [] });
    bench.operator();
    await until("it has a status", () => state(bench).join() === "False NotAccepted,False NotProgrammed");
  });
});

describe("a new shape", () => {
  const shape = (bench: OperatorBench, revision: number): object => {
    const name = `wsproxy-chat-${revision}`;
    const first = bench.server.get("ReplicaSet", "demo", "wsproxy-chat-1") as ApiObject;
    const annotations = { "deployment.kubernetes.io/revision": String(revision) };
    const made = bench.server.put({ ...first, metadata: { ...first.metadata, name, annotations } });
    const deployment = bench.server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
    bench.server.put({ ...deployment, metadata: { ...deployment.metadata, annotations } });
    return { apiVersion: "apps/v1", kind: "ReplicaSet", name, uid: made.metadata.uid, controller: true };
  };

  test("is RollingOut until its pods serve and the old ones go, and stuck with Kubernetes' words", async () => {
    const bench = await served([{}]);
    await until("it is ready", () => state(bench).join() === READY.join());
    const owner = shape(bench, 2);
    await until("it rolls out", () => state(bench).join() === "False RollingOut,True Ready");
    const late = await bench.pods.add("chat", "pod-1");
    const pod = bench.server.get("Pod", "demo", "pod-1") as ApiObject;
    const metadata = { ...pod.metadata, ownerReferences: [owner] };
    const waiting = { reason: "ErrImagePull", message: "not found" };
    const stuck = { phase: "Pending", containerStatuses: [{ name: "dataplane", state: { waiting } }] };
    bench.server.put({ ...pod, metadata, status: stuck });
    await until("it is stuck", () => state(bench).join() === "False RolloutStuck,True Ready");
    const words = () => bench.status()?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";
    const said = "0 of 1 pods so far. Not ready: pod-1. Of an older shape: pod-0. Pod pod-1: ErrImagePull: not found.";
    await until("it says why", () => words().endsWith(said));
    bench.server.put({ ...pod, metadata });
    await until("the old pod is still there", () => words().endsWith("1 of 1 pods so far. Of an older shape: pod-0."));
    expect(late.asked).toBeGreaterThan(0);
    bench.server.delete("Pod", "demo", "pod-0");
    await until("it is done", () => state(bench).join() === READY.join());
    expect([...bench.everSaid()].filter((one) => one.startsWith("Ready"))).toEqual([
      "Ready NoReadyPods",
      "Ready Ready",
    ]);
  });
});

test("what stands still is told when its time has come, without an event, and an operator that starts says the same", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const first = bench.operator({ clock: quickClock(20) });
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  await bench.pods.add("chat", "pod-0");
  await until("it is ready", () => state(bench).join() === READY.join());
  bench.edit({ gateway: { replicas: 2 } });
  await until("it rolls out", () => state(bench).join() === "False RollingOut,True Ready");
  await until("it is stuck", () => state(bench).join() === "False RolloutStuck,True Ready");
  await bench.quiet();
  const before = bench.server.writes.length;
  await first.stop();
  bench.operator({ clock: quickClock(20) });
  await bench.quiet(500);
  expect(bench.writes(before)).toEqual([]);
});

describe("a pod that is late", () => {
  test("keeps the proxy RollingOut, by its name, until it reports the new generation", async () => {
    const bench = await served([{}, { lag: 900 }]);
    await until("it is ready", () => state(bench).join() === READY.join());
    bench.edit({ policies: { deny: { clients: ["bob"] } } });
    await until("only one is behind", () => bench.status()?.conditions?.[2]?.message.includes("1 of 2") === true);
    expect(bench.status()?.conditions?.[2]?.message).toContain("pod-1");
    await until("it is programmed", () => state(bench).join() === READY.join());
    expect(nudges(bench).sort()).toEqual(["pod-0", "pod-1"]);
  });

  test("because a nudge was missed is nudged again after two seconds", async () => {
    const bench = await served([{ misses: 1 }]);
    await until("it is ready", () => state(bench).join() === READY.join());
    const began = Date.now();
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("it is nudged again", () => nudges(bench).length === 2);
    expect(Date.now() - began).toBeGreaterThanOrEqual(2000);
    await until("it is programmed", () => state(bench).join() === READY.join());
    expect(nudges(bench)).toHaveLength(2);
  });

  test("and silent keeps the proxy RollingOut, and no other proxy waits for it", async () => {
    const bench = await served([{}, { silent: true }]);
    putAll(bench.server, "other");
    await until("the other one is served", () => bench.status("other") !== undefined);
    await bench.pods.add("other", "other-0");
    await until("the other one is ready", () => bench.condition("Ready", "other") === "True Ready");
    await until("this one is not", () => state(bench).join() === "False RollingOut,True Ready");
    const words = "1 of 2 pods so far. Ready, without the newest config: pod-1.";
    await until("it says which one", () => bench.status()?.conditions?.[2]?.message.endsWith(words) === true);
  });

  test("and not ready is not waited for", async () => {
    const bench = await served([{}]);
    const late = await bench.pods.add("chat", "pod-9", { silent: true });
    late.appear("Running", "False");
    await until("it is ready", () => state(bench).join() === READY.join());
    expect(bench.status()?.dataplane).toMatchObject({ replicas: 2, readyReplicas: 1 });
  });
});

describe("Events report what happened", () => {
  const told = (server: FakeApiServer): string[] =>
    server.store
      .all()
      .filter(({ kind }) => kind === "Event")
      .map(({ type, reason }) => `${String(type)} ${String(reason)}`);

  test("once for each state that a person must know of, also where another operator goes on; endpoints are none", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    const first = bench.operator();
    await until("the objects are there", () => bench.status() !== undefined);
    await bench.pods.add("chat", "pod-0");
    await until("it is ready", () => state(bench).join() === READY.join());
    await bench.quiet();
    const events = ["Normal Accepted", "Normal Programmed", "Normal Ready"];
    expect(told(bench.server).toSorted()).toEqual(events);
    const echo = bench.server.get("EndpointSlice", "demo", "echo-1") as ApiObject;
    for (const endpoints of [[], echo["endpoints"], []]) {
      bench.server.put({ ...echo, endpoints });
      await bench.quiet();
    }
    await first.stop();
    bench.operator();
    await bench.quiet();
    expect(told(bench.server).toSorted()).toEqual(events);
  });
});

test("the status says why there are no pods as soon as the Deployment does, and no longer once it has them", async () => {
  const bench = await served([]);
  await until("it waits for pods", () => bench.condition("Programmed") === "False Pending");
  const words = (): string => bench.status()?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";
  const message = 'pods "wsproxy-chat-1-" is forbidden: no PriorityClass with name high was found';
  const deployment = bench.server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
  bench.server.put({ ...deployment, status: { conditions: [{ type: "ReplicaFailure", status: "True", message }] } });
  await until("it says why", () => words().endsWith(`0 of 1 pods so far. Deployment wsproxy-chat: ${message}.`));
  expect(state(bench)).toEqual(["False RolloutStuck", "False NoReadyPods"]);
  bench.server.put({ ...deployment, status: { conditions: [] } });
  await bench.pods.add("chat", "pod-0", {});
  await until("it is ready", () => state(bench).join() === READY.join());
});

test("looking at pods is no pass: a pod that stays behind is asked and nudged again, and nothing else is done", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const { controller } = bench.operator({ clock: quickClock(5) });
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  const pod = await bench.pods.add("chat", "pod-0", { misses: 1000 });
  await until("it is ready", () => state(bench).join() === READY.join());
  bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
  // It is late after ten seconds.
  await until("it is behind", () => state(bench).join() === "False RollingOut,True Ready");
  const first = pod.asked;
  await until("the pass that said so is over", () => pod.asked >= first + 3);
  const passes = async (): Promise<string | undefined> =>
    /^wsproxy_operator_reconcile_duration_seconds_count .*$/m.exec(await controller.metrics.registry.metrics())?.[0];
  const [asked, calls, before] = [pod.asked, bench.server.calls.length, await passes()];
  await until("it was asked again and again", () => pod.asked >= asked + 8 && nudges(bench).length >= 3);
  expect(await passes()).toBe(before);
  const others = bench.server.calls.slice(calls).filter(({ path }) => !path.endsWith("/pods/pod-0"));
  expect(others.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

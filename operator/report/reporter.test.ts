import { describe, expect, test } from "vitest";
import { NO_PODS } from "../../test/fakes/pod-state.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { ApiObject } from "../../test/fakes/api-server-store.ts";
import type { ApiCall } from "../../test/fakes/api-call.ts";
import { kubeBench } from "../../test/fakes/kube-bench.ts";
import { proxy, RENDER } from "../../test/fakes/operator-bench.ts";
import { deployment, pod, waiting } from "../../test/fakes/rollout.ts";
import type { Gathered } from "../gather/gather.ts";
import { packer } from "../platform/packer.ts";
import type { PodState } from "../pods/dataplane-pods.ts";
import type { Translation } from "../translate/translation.ts";
import { namesOf } from "../render/names.ts";
import { Contents } from "../watch/contents.ts";
import { Reporter } from "./reporter.ts";

const { signal } = new AbortController();
const READY: PodState = { ...NO_PODS, pods: 2, ready: ["a", "b"] };
const ONE: PodState = { ...READY, ready: ["a"] };
const BEHIND = { ...READY, behind: ["b"], late: ["b"] };

const accepted = (generation: number) => ({
  type: "Accepted" as const,
  status: "True" as const,
  reason: "Accepted" as const,
  message: "",
  observedGeneration: generation,
});

function translation(generation: number, readyBackends?: string): Translation {
  const conditions = [accepted(generation)];
  return {
    config: {},
    endpoints: { backends: {} },
    infra: { mode: "Gateway", gateway: { replicas: 2 } },
    status: { conditions, routes: [{ name: "main", conditions }], readyBackends, problems: [] },
    asides: [],
  } as unknown as Translation;
}

const SELECTOR = "app.kubernetes.io/component=dataplane,wsproxy.dev/proxy=wsproxy-chat";

/** A reporter on `demo/chat`, and what it writes. */
async function bench() {
  const { server, client, clock } = await kubeBench();
  server.put(proxy());
  const ownerReferences = [{ kind: "WebSocketProxy", name: "chat", uid: "uid-1" }];
  const metadata = { name: "wsproxy-chat", namespace: "demo", ownerReferences };
  server.put({ apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 80 }] } });
  const { metadata: own, ...rest } = deployment();
  server.put({ apiVersion: "apps/v1", kind: "Deployment", metadata: { ...own, ...metadata }, ...rest });
  const events: string[] = [];
  const forgotten: string[] = [];
  const object = (): ApiObject => server.get("WebSocketProxy", "demo", "chat") as ApiObject;
  const make = (): Reporter =>
    new Reporter({
      client,
      clock,
      own: {
        get: (kind, namespace, name) => server.get(kind, namespace, name),
        wrote: () => {},
      },
      contents: new Contents(client),
      recorder: {
        record: (_object, topic, { type, reason }) => {
          events.push(`${type} ${topic} ${reason}`);
          return Promise.resolve(true);
        },
        forget: (uid) => void forgotten.push(uid),
      },
      settings: RENDER,
      hash: packer.hash,
    });
  let reporter = make();
  const set = { pods: ["a", "b"].map((name) => pod(name, { ready: true })) };
  const report = (
    state: PodState,
    refusals: readonly string[] = [],
    readyBackends?: string,
  ): Promise<number | undefined> => {
    const owner = { namespace: "demo", name: "chat", uid: String(object().metadata.uid) };
    const pods = { own: set.pods, strangers: [], newest: { uid: "new", revision: 2 } };
    const gathered = { owner, names: namesOf("chat", packer.hash), proxy: object(), pods };
    const rendered = { manifests: [], prunable: [], serving: { hash: "h", endpointsHash: "e" }, problem: undefined };
    const outcome = {
      translation: translation(object().metadata.generation ?? 1, readyBackends),
      rendered,
      refusals,
      state,
      remarks: [],
    };
    return reporter.report({ ...outcome, gathered: gathered as unknown as Gathered }, signal);
  };
  return {
    server,
    clock,
    reporter,
    /** Another process goes on. */
    restart: () => (reporter = make()),
    set,
    report,
    events,
    forgotten,
    object,
    status: () => object()["status"] as WebSocketProxyStatus,
    writes: () => server.writes.filter(({ path }) => path.endsWith("/status")),
  };
}

const reason = (status: WebSocketProxyStatus, type: string): string | undefined =>
  status.conditions?.find((one) => one.type === type)?.reason;

describe("a rollout", () => {
  test("that is stuck is told with its time, without a second write and without an event", async () => {
    const { report, clock, status, writes, set } = await bench();
    set.pods = [pod("a", { ready: true }), pod("b", { unscheduled: "0/3 nodes" })];
    expect(await report(ONE)).toBe(30_000);
    expect([reason(status(), "Programmed"), reason(status(), "Ready")]).toEqual(["RollingOut", "Ready"]);
    clock.advance(30_000);
    expect(await report(ONE)).toBeUndefined();
    expect(reason(status(), "Programmed")).toBe("RolloutStuck");
    clock.advance(300_000);
    await report(ONE);
    expect(writes()).toHaveLength(2);
  });

  test("that is stuck stays so for another operator, and is done when it is done", async () => {
    const { report, status, writes, set, restart } = await bench();
    set.pods = [pod("a", { ready: true }), pod("b", { container: waiting("ErrImagePull", "not found") })];
    await report(ONE);
    const words = status();
    restart();
    await report(ONE);
    expect([status(), writes().length]).toEqual([words, 1]);
    set.pods = [pod("a", { ready: true }), pod("b")];
    restart();
    await report(ONE);
    expect(reason(status(), "Programmed")).toBe("RolloutStuck");
    set.pods = [pod("a", { ready: true }), pod("b", { ready: true })];
    await report(READY);
    expect(reason(status(), "Programmed")).toBe("Programmed");
  });

  test("is looked at anew by an operator that leads again: another one led meanwhile", async () => {
    const { report, reporter, clock, status, set } = await bench();
    set.pods = [pod("a", { ready: true }), pod("b")];
    await report(ONE);
    // The other one saw it done; then a pod went away.
    clock.advance(3_600_000);
    reporter.begin();
    expect([...reporter.reports]).toEqual([]);
    await report(ONE);
    expect(reason(status(), "Programmed")).toBe("RollingOut");
  });

  test("of which only keys are new for a moment changes no condition", async () => {
    const { report, writes } = await bench();
    await report(READY);
    await report({ ...READY, behind: ["a", "b"] });
    expect(writes()).toHaveLength(1);
  });
});

test("an object of another writer with the name of ours is neither our Service nor our Deployment", async () => {
  const { report, server, status } = await bench();
  for (const kind of ["Service", "Deployment"]) {
    const theirs = server.get(kind, "demo", "wsproxy-chat") as ApiObject;
    server.put({ ...theirs, metadata: { ...theirs.metadata, ownerReferences: [] } });
  }
  await report(READY, ["Service wsproxy-chat: not this proxy's"]);
  expect([reason(status(), "Programmed"), reason(status(), "Ready")]).toEqual(["NotApplied", "NotProgrammed"]);
  expect(status().address).toBeUndefined();
});

describe("a status", () => {
  test("is written when it differs, and not again", async () => {
    const { report, writes, status } = await bench();
    await report(READY);
    await report(READY);
    expect(writes()).toHaveLength(1);
    expect(status()).toMatchObject({
      acceptedRoutes: "1/1",
      dataplane: { replicas: 2, readyReplicas: 2, configHash: "h", selector: SELECTOR },
    });
  });

  test("tells the state of the pods, and an Event each state that a person must know of", async () => {
    const { report, events, status, clock } = await bench();
    await report(BEHIND);
    expect([reason(status(), "Programmed"), reason(status(), "Ready")]).toEqual(["RollingOut", "Ready"]);
    const first = status().conditions?.find(({ type }) => type === "Accepted")?.lastTransitionTime;
    expect(events).toEqual(["Normal Accepted Accepted", "Normal Ready Ready"]);
    clock.advance(60_000);
    await report(READY);
    expect([reason(status(), "Programmed"), reason(status(), "Ready")]).toEqual(["Programmed", "Ready"]);
    expect(events.slice(2)).toEqual(["Normal Programmed Programmed"]);
    const times = status().conditions?.map(({ lastTransitionTime }) => lastTransitionTime === first);
    expect(times).toEqual([true, false, true]);
  });

  test("tells refused objects, as a warning", async () => {
    const { report, events, status } = await bench();
    await report(READY, ["Service wsproxy-chat: 403 Forbidden: quota"]);
    expect(reason(status(), "Programmed")).toBe("NotApplied");
    expect(events).toContain("Warning Programmed NotApplied");
  });

  test("of a proxy that is gone is no failure, and no Event", async () => {
    const { report, server, events, object } = await bench();
    const known = object();
    server.fail(({ path }) => path.endsWith("/status"), { status: 404, reason: "NotFound" });
    await report(READY);
    expect([events, object()]).toEqual([[], known]);
  });
});

test("an Event that is held back asks for another pass, also if the status stays the same", async () => {
  const { report, events, clock } = await bench();
  const refused = (): Promise<number | undefined> => report(READY, ["Service wsproxy-chat: 403 Forbidden: quota"]);
  let wait: number | undefined;
  for (let n = 0; n < 40 && wait === undefined; n += 1) wait = await (n % 2 === 0 ? refused() : report(READY));
  expect(wait).toBe(300_000);
  const told = events.length;
  const again = (): Promise<number | undefined> => (events.at(-1)?.endsWith("NotApplied") ? report(READY) : refused());
  expect(await again()).toBe(300_000);
  clock.advance(300_000);
  await again();
  expect(events.length).toBe(told + 1);
});

test("a status that does not fit is written in a shorter form, and the longer one is not tried again until the spec changes", async () => {
  const { report, server, status, writes, object } = await bench();
  const withRoutes = ({ path, body }: ApiCall): boolean =>
    path.endsWith("/status") && (body as { status: WebSocketProxyStatus }).status.routes !== undefined;
  server.fail(withRoutes, { status: 413, reason: "RequestEntityTooLarge" }, 100);
  await report(BEHIND);
  expect(status().routes).toBeUndefined();
  expect(writes()).toHaveLength(3);
  await report(READY);
  expect(writes()).toHaveLength(4);
  server.heal();
  server.put({ ...object(), ...proxy("chat", { gateway: { replicas: 3 } }), status: object()["status"] });
  await report(READY);
  expect(status().routes).toHaveLength(1);
});

test("the conditions of the last report are there for the metrics until the proxy is gone", async () => {
  const { report, reporter, forgotten, object } = await bench();
  await report(BEHIND);
  expect([...reporter.reports].map(([key, conditions]) => [key, conditions.map(({ status }) => status)])).toEqual([
    ["demo/chat", ["True", "False", "True"]],
  ]);
  reporter.forget("demo/chat");
  expect([[...reporter.reports], forgotten]).toEqual([[], [object().metadata.uid]]);
});

describe("the address", () => {
  const service = (ownerReferences: readonly object[] | undefined): ApiObject => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "wsproxy-chat",
      namespace: "demo",
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
    },
    spec: { type: "LoadBalancer", ports: [{ name: "ws", port: 80 }] },
    status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } },
  });
  const owner = (uid: string) => ({ apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: "chat", uid });

  test("is that of the proxy's own Service", async () => {
    const { server, report, status, object } = await bench();
    server.put(service([owner(object().metadata.uid ?? "")]));
    await report(READY);
    expect(status().address).toBe("192.0.2.1:80");
  });

  test("is not that of a Service which only has its name, and no call reads that", async () => {
    const { server, report, status } = await bench();
    for (const owners of [undefined, [owner("an-earlier-proxy")], [{ ...owner("another"), kind: "Deployment" }]]) {
      server.put(service(owners));
      await report(READY);
      expect(status()).not.toHaveProperty("address");
    }
    expect(server.calls.filter(({ path }) => path.includes("/services"))).toEqual([]);
  });
});

test("why there are no pods is not told by a Deployment which only has the proxy's name", async () => {
  const { server, clock, report, status, object, set } = await bench();
  set.pods = [];
  const conditions = [{ type: "ReplicaFailure", status: "True", message: "quota exceeded" }];
  const metadata = { name: "wsproxy-chat", namespace: "demo" };
  const named = { apiVersion: "apps/v1", kind: "Deployment", metadata, status: { conditions } };
  const message = () => status().conditions?.find(({ type }) => type === "Programmed")?.message;
  server.put(named);
  await report(NO_PODS);
  expect(message()).not.toContain("quota");
  const ownerReferences = [{ kind: "WebSocketProxy", name: "chat", uid: object().metadata.uid }];
  server.put({ ...named, metadata: { ...metadata, ownerReferences } });
  clock.advance(1);
  await report(NO_PODS);
  expect(message()).toContain("quota exceeded");
});

describe("the count of ready backends", () => {
  test("of a backend that flaps is written three times in 30 s, and the last state is written then", async () => {
    const { report, clock, status, writes } = await bench();
    await report(READY, [], "1/1");
    for (const count of ["0/1", "1/1", "0/1"]) {
      clock.advance(1000);
      expect(await report(READY, [], count)).toBeUndefined();
      expect(status().readyBackends).toBe(count);
    }
    for (let second = 1; second < 28; second += 1) {
      clock.advance(1000);
      expect(await report(READY, [], `${second % 2}/1`)).toBe(second % 2 === 0 ? undefined : 28_000 - second * 1000);
    }
    expect(writes()).toHaveLength(4);
    clock.advance(1000);
    expect(await report(READY, [], "1/1")).toBeUndefined();
    expect([status().readyBackends, writes().length]).toEqual(["1/1", 5]);
  });

  test("waits for nothing in a status that differs in other ways too", async () => {
    const { report, status, reporter } = await bench();
    for (const count of ["1/1", "0/1", "1/1", "0/1"]) await report(READY, [], count);
    expect(await report(READY, [], "1/1")).toBe(30_000);
    expect(await report(BEHIND, [], "1/1")).toBe(120_000);
    expect(status().readyBackends).toBe("1/1");
    expect(await report(BEHIND, [], "0/1")).toBe(30_000);
    reporter.forget("demo/chat");
    expect(await report(BEHIND, [], "0/1")).toBe(120_000);
    expect(status().readyBackends).toBe("0/1");
  });
});

import { describe, expect, test } from "vitest";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { keys, OperatorBench, proxy, putAll, slice } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

const ALL = [
  "PATCH secrets/wsproxy-chat-config-0",
  "PATCH secrets/wsproxy-chat-admin",
  "PATCH configmaps/wsproxy-chat-endpoints",
  "PATCH serviceaccounts/wsproxy-chat",
  "PATCH networkpolicies/wsproxy-chat",
  "PATCH poddisruptionbudgets/wsproxy-chat",
  "PATCH deployments/wsproxy-chat",
  "PATCH services/wsproxy-chat",
  "PATCH websocketproxies/chat/status",
];

describe("a new proxy", () => {
  test("gets its objects in order, each once, and a status", async () => {
    const bench = await OperatorBench.settled();
    expect(bench.writes()).toEqual(ALL);
    expect(bench.status()).toMatchObject({
      observedGeneration: 1,
      acceptedRoutes: "1/1",
      address: "wsproxy-chat.demo.svc:80",
      dataplane: { replicas: 0, readyReplicas: 0, configHash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    const conditions = bench.status()?.conditions?.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
    expect(conditions).toEqual([
      "Accepted True Accepted",
      "ResolvedRefs True ResolvedRefs",
      "Programmed False Pending",
      "Ready False NoReadyPods",
    ]);
  });

  test("owns what it gets", async () => {
    const bench = await OperatorBench.settled();
    const owner = bench.server.get("WebSocketProxy", "demo", "chat");
    for (const kind of ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"]) {
      expect(bench.server.get(kind, "demo", "wsproxy-chat")?.metadata["ownerReferences"]).toEqual([
        {
          apiVersion: "wsproxy.dev/v1alpha1",
          kind: "WebSocketProxy",
          name: "chat",
          uid: owner?.metadata.uid,
          controller: true,
          blockOwnerDeletion: true,
        },
      ]);
    }
  });

  test("is served whatever is wrong with another one", async () => {
    const bench = await OperatorBench.start();
    bench.server.put(proxy("broken", { routes: "none" }));
    bench.server.put({ ...proxy("odd"), spec: { routes: [{ name: "main", backends: 7, policies: [] }], mode: 1 } });
    putAll(bench.server);
    bench.operator();
    await until(
      "the good one has its Service",
      () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined,
    );
    await until("the others have a status", () => bench.condition("Accepted", "odd") !== "undefined undefined");
    expect(bench.condition("Accepted", "broken")).toBe("False Invalid");
    expect(bench.condition("Programmed", "broken")).toBe("False NotAccepted");
    expect(bench.server.get("Deployment", "demo", "wsproxy-broken")).toBeUndefined();
    expect(bench.server.get("Secret", "demo", "wsproxy-odd-config-0")).toBeUndefined();
  });

  test("of mode Sidecar is not accepted where that is turned off, and gets nothing but its status", async () => {
    const bench = await OperatorBench.start();
    const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };
    putAll(bench.server);
    bench.server.put(proxy("chat", sidecar));
    bench.operator({ sidecar: () => "TurnedOff" });
    await until("it has a status", () => bench.status() !== undefined);
    await bench.quiet();
    expect(bench.writes()).toEqual([ALL[8]]);
    expect(bench.condition("Accepted")).toBe("False SidecarUnsupported");
    expect(bench.condition("Programmed")).toBe("False NotAccepted");
    expect(bench.status()?.conditions?.[0]?.message).toContain("sidecar.enabled: true");
  });

  test("of mode Sidecar gets a config with what pods get, which an edit that is not accepted leaves", async () => {
    const bench = await OperatorBench.start();
    const sidecar = (app: string) => ({
      mode: "Sidecar",
      gateway: undefined,
      sidecar: { selector: { matchLabels: { app } } },
    });
    putAll(bench.server);
    bench.server.put(proxy("chat", sidecar("chat")));
    const before = bench.operator();
    const shape = (): string | undefined =>
      bench.server.get("Secret", "demo", "wsproxy-chat-config-0")?.metadata.annotations?.["wsproxy.dev/sidecar"];
    await until("it has a config", () => shape() !== undefined);
    await bench.quiet();
    expect(JSON.parse(shape() ?? "")).toEqual({
      selector: { matchLabels: { app: "chat" } },
      listenerPort: 8080,
      resources: {},
      drainPeriod: "30s",
    });
    expect(bench.condition("Accepted")).toBe("True Accepted");
    expect(bench.server.get("Deployment", "demo", "wsproxy-chat")).toBeUndefined();
    const accepted = shape();
    await before.stop();
    bench.operator();
    bench.edit({ ...sidecar("news"), listener: { port: 0 } });
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("the edit is refused", () => bench.condition("Accepted") === "False Invalid");
    await bench.quiet();
    expect(shape()).toBe(accepted);
  });
});

describe("an edit", () => {
  test("of a limit writes the config and the status, and leaves the pods' shape alone", async () => {
    const bench = await OperatorBench.settled();
    const before = bench.server.writes.length;
    const policies = { connections: [{ per: "Client", limit: 5 }] };
    bench.server.put({ ...bench.server.get("WebSocketProxy", "demo", "chat"), ...proxy("chat", { policies }) });
    await until("it is observed", () => bench.status()?.observedGeneration === 2);
    await bench.quiet();
    expect(bench.writes(before)).toEqual([ALL[0], ALL[8]]);
  });

  test("of the replicas writes the Deployment only", async () => {
    const bench = await OperatorBench.settled();
    const before = bench.server.writes.length;
    bench.server.put({
      ...bench.server.get("WebSocketProxy", "demo", "chat"),
      ...proxy("chat", { gateway: { replicas: 5 } }),
    });
    await until("it is observed", () => bench.status()?.observedGeneration === 2);
    await bench.quiet();
    // The generation is part of the config.
    expect(bench.writes(before)).toEqual([ALL[0], ALL[6], ALL[8]]);
  });

  test("of a backend's endpoints writes the endpoints only", async () => {
    const bench = await OperatorBench.settled();
    const before = bench.server.writes.length;
    bench.server.put(slice(["10.0.0.1", "10.0.0.2"]));
    await until("it is written", () => bench.server.writes.length > before);
    await bench.quiet();
    expect(bench.writes(before)).toEqual([ALL[2]]);
  });

  test("of a backend's last endpoint writes the count of ready backends too, and the conditions stay", async () => {
    const bench = await OperatorBench.settled();
    const conditions = bench.status()?.conditions;
    expect(bench.status()?.readyBackends).toBe("1/1");
    const before = bench.server.writes.length;
    bench.server.put(slice([]));
    await until("it is told", () => bench.status()?.readyBackends === "0/1");
    await bench.quiet();
    expect(bench.writes(before)).toEqual([ALL[2], ALL[8]]);
    expect(bench.status()?.conditions).toEqual(conditions);
  });

  test("to a load balancer leaves the address pending until there is one, and another address is told", async () => {
    const bench = await OperatorBench.settled();
    const edited = proxy("chat", { gateway: { service: { type: "LoadBalancer" } } });
    bench.server.put({ ...bench.server.get("WebSocketProxy", "demo", "chat"), ...edited });
    await until("it is pending", () => bench.status()?.address === "<pending>");
    for (const [address, entry] of [
      ["192.0.2.1:80", { ip: "192.0.2.1", ipMode: "VIP" }],
      ["lb.example.com:80", { hostname: "lb.example.com" }],
    ] as const) {
      await bench.quiet();
      const service = bench.server.get("Service", "demo", "wsproxy-chat") as ApiObject;
      bench.server.put({ ...service, status: { loadBalancer: { ingress: [entry] } } });
      await until("it is told", () => bench.status()?.address === address);
    }
  });

  test("that is invalid leaves everything in force and is reported; removed keys are still revoked", async () => {
    const bench = await OperatorBench.settled();
    const deployment = bench.server.get("Deployment", "demo", "wsproxy-chat");
    const secret = bench.server.get("Secret", "demo", "wsproxy-chat-config-0");
    bench.server.put({
      ...bench.server.get("WebSocketProxy", "demo", "chat"),
      ...proxy("chat", { listener: { port: 99_999 } }),
    });
    await until("it is refused", () => bench.condition("Accepted") === "False Invalid");
    await bench.quiet();
    expect(bench.server.get("Deployment", "demo", "wsproxy-chat")).toEqual(deployment);
    expect(bench.server.get("Secret", "demo", "wsproxy-chat-config-0")).toEqual(secret);
    bench.server.delete("Secret", "demo", "keys");
    await until(
      "the key is taken out of the config in force",
      () =>
        bench.server.get("Secret", "demo", "wsproxy-chat-config-0")?.metadata.resourceVersion !==
        secret?.metadata.resourceVersion,
    );
  });

  test("to mode Sidecar is not accepted: the pods keep serving, and back in mode Gateway it is accepted", async () => {
    const bench = await OperatorBench.settled();
    await bench.pods.add("chat", "chat-1");
    await until("it is ready", () => bench.condition("Ready") === "True Ready");
    const kinds = ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"];
    const objects = (): unknown[] => [
      bench.server.get("Secret", "demo", "wsproxy-chat-config-0"),
      bench.server.get("ConfigMap", "demo", "wsproxy-chat-endpoints"),
      ...kinds.map((kind) => bench.server.get(kind, "demo", "wsproxy-chat")),
    ];
    const before = objects();
    expect(before).not.toContain(undefined);
    const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };
    const edit = (spec: Record<string, unknown>): void => {
      bench.server.put({ ...bench.server.get("WebSocketProxy", "demo", "chat"), ...proxy("chat", spec) });
    };
    edit(sidecar);
    await until("it is refused", () => bench.condition("Accepted") === "False Invalid");
    await bench.quiet();
    expect(bench.condition("Programmed")).toBe("False NotAccepted");
    expect(objects()).toEqual(before);
    edit({});
    await until("it is accepted", () => bench.condition("Ready") === "True Ready");
    expect(bench.writes().filter((write) => write.startsWith("DELETE"))).toEqual([]);
  });
});

describe("an operator with nothing to do", () => {
  test("writes nothing, whatever Kubernetes adds to its objects, also when it starts anew", async () => {
    const bench = await OperatorBench.settled(defaulted);
    expect(bench.writes()).toEqual(ALL);
    const before = bench.server.writes.length;
    const deployment = bench.server.get("Deployment", "demo", "wsproxy-chat");
    for (const observedGeneration of [1, 2, 3])
      bench.server.put({ ...deployment, status: { observedGeneration } } as never);
    bench.operator();
    await bench.quiet(500);
    expect(bench.writes(before)).toEqual([]);
    expect(bench.server.writes.length).toBe(before);
  });

  test("reads no Secret that no proxy selects or names", async () => {
    const bench = await OperatorBench.start();
    bench.server.put({
      ...keys({ mallory: "not-to-be-read-0001" }, "other"),
      metadata: { name: "other", namespace: "demo" },
    });
    putAll(bench.server);
    bench.operator();
    await until("it has a status", () => bench.status() !== undefined);
    await bench.quiet();
    const reads = bench.server.calls.filter(({ method, path }) => method === "GET" && path.includes("/secrets/"));
    expect(reads.map(({ path }) => path)).toEqual(["/api/v1/namespaces/demo/secrets/keys"]);
  });
});

/** What a real API server adds by itself. */
function defaulted(object: ApiObject): ApiObject {
  const spec = object["spec"] as Record<string, unknown> | undefined;
  if (object.kind === "Deployment") return { ...object, spec: { progressDeadlineSeconds: 600, ...spec } };
  if (object.kind === "Service")
    return { ...object, spec: { clusterIP: "10.96.0.7", sessionAffinity: "None", ...spec } };
  return object;
}

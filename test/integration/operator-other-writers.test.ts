import { describe, expect, test } from "vitest";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { managedBy } from "../fakes/deployment-replicas.ts";
import { keys, OperatorBench, proxy, putAll, service } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

/** Another writer sets the number of pods, and owns it. */
function scale(bench: OperatorBench, replicas: number, manager: string): void {
  const ours = bench.server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
  const metadata = { ...ours.metadata, managedFields: managedBy(manager) };
  bench.server.put({ ...ours, metadata, spec: { ...(ours["spec"] as object), replicas } });
}

function replicasIn(bench: OperatorBench): number | undefined {
  const { spec } = bench.server.get("Deployment", "demo", "wsproxy-chat") as { spec?: { replicas?: number } };
  return spec?.replicas;
}

describe("a change by another client", () => {
  test("on our Deployment is undone, once", async () => {
    const bench = await OperatorBench.settled();
    const limit = (): number | undefined => {
      const { spec } = bench.server.get("Deployment", "demo", "wsproxy-chat") as {
        spec?: { revisionHistoryLimit?: number };
      };
      return spec?.revisionHistoryLimit;
    };
    const undone = async (): Promise<string[]> => {
      const before = bench.server.writes.length;
      const ours = bench.server.get("Deployment", "demo", "wsproxy-chat");
      bench.server.put({ ...ours, spec: { ...(ours?.["spec"] as object), revisionHistoryLimit: 9 } } as never);
      await until("it is undone", () => limit() === 3);
      await bench.quiet();
      return bench.writes(before);
    };
    // Before the first apply that leaves the number of pods out, its own field manager takes that over.
    expect(await undone()).toEqual(["PATCH deployments/wsproxy-chat", "PATCH deployments/wsproxy-chat"]);
    expect(await undone()).toEqual(["PATCH deployments/wsproxy-chat"]);
    expect(replicasIn(bench)).toBe(1);
  });

  test("on the number of pods is undone, once, where the spec fixes it", async () => {
    const bench = await OperatorBench.settled();
    bench.server.put(proxy("chat", { gateway: { replicas: 3 } }));
    await until("it has three", () => replicasIn(bench) === 3);
    await bench.quiet();
    const before = bench.server.writes.length;
    scale(bench, 9, "kube-controller-manager");
    await until("it is undone", () => replicasIn(bench) === 3);
    await bench.quiet();
    expect(bench.writes(before)).toEqual(["PATCH deployments/wsproxy-chat"]);
  });

  test("on the number of pods stays where the spec fixes none, through an edit and a restart", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.server.put(proxy("chat", { gateway: {} }));
    bench.operator();
    await until("it has a status", () => bench.status() !== undefined);
    await bench.quiet();
    expect(replicasIn(bench)).toBe(2);
    const before = bench.server.writes.length;
    scale(bench, 9, "kube-controller-manager");
    await bench.quiet();
    expect(bench.writes(before)).toEqual([]);
    bench.server.put(proxy("chat", { gateway: { pod: { annotations: { a: "b" } } } }));
    await until("the edit is written", () => bench.writes(before).includes("PATCH deployments/wsproxy-chat"));
    await bench.quiet();
    bench.operator();
    await bench.quiet();
    expect(replicasIn(bench)).toBe(9);
    expect(bench.writes(before).filter((write) => write.includes("deployments"))).toHaveLength(1);
  });

  test("that fights over the number of pods is named in the status, and answered ever more slowly", async () => {
    const bench = await OperatorBench.settled();
    bench.server.put(proxy("chat", { gateway: { replicas: 3 } }));
    await until("it has three", () => replicasIn(bench) === 3);
    for (const replicas of [7, 8, 9]) {
      scale(bench, replicas, "keda");
      await until("it is undone", () => replicasIn(bench) === 3);
    }
    const message = (): string => bench.status()?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";
    await until("the status names it", () => message().includes("writes spec.gateway.replicas back"));
    expect(message()).toMatch(/: keda\. Remove spec\.gateway\.replicas/);
    await bench.quiet();
    const before = bench.server.writes.length;
    for (const replicas of [10, 11, 12, 13]) scale(bench, replicas, "keda");
    await bench.quiet();
    expect(bench.writes(before)).toEqual([]);
  });

  test("on the config is undone, and our label is put back", async () => {
    const bench = await OperatorBench.settled();
    const ours = bench.server.get("Secret", "demo", "wsproxy-chat-config-0") as ApiObject;
    bench.server.put({ ...ours, data: { ...(ours["data"] as object), parts: "NQ==" } });
    await until("it is undone", () => {
      const { data } = bench.server.get("Secret", "demo", "wsproxy-chat-config-0") as { data?: { parts?: string } };
      return data?.parts === (ours["data"] as { parts: string }).parts;
    });
    await bench.quiet();
    const deployment = bench.server.get("Deployment", "demo", "wsproxy-chat") as ApiObject;
    bench.server.put({ ...deployment, metadata: { ...deployment.metadata, labels: {} } });
    await until(
      "the label is back",
      () =>
        bench.server.get("Deployment", "demo", "wsproxy-chat")?.metadata.labels?.["wsproxy.dev/proxy"] !== undefined,
    );
  });

  test("that made the config immutable holds up no key that is removed", async () => {
    const bench = await OperatorBench.settled();
    const config = bench.server.get("Secret", "demo", "wsproxy-chat-config-0");
    bench.server.put({ ...config, immutable: true } as ApiObject);
    await bench.quiet();
    const from = bench.server.writes.length;
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("the config is another one", () => {
      const now = bench.server.get("Secret", "demo", "wsproxy-chat-config-0");
      return now !== undefined && now.metadata.uid !== config?.metadata.uid;
    });
    await bench.quiet();
    expect(bench.writes(from).slice(0, 2)).toEqual([
      "DELETE secrets/wsproxy-chat-config-0",
      "PATCH secrets/wsproxy-chat-config-0",
    ]);
    expect(bench.server.get("Secret", "demo", "wsproxy-chat-config-0")).not.toHaveProperty("immutable");
  });

  test("that made an object under one of our names: the operator leaves it, and the status says so", async () => {
    const bench = await OperatorBench.start();
    const theirs = bench.server.put({
      ...service("wsproxy-chat"),
      spec: { type: "ClusterIP", ports: [{ port: 1234 }] },
    });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "wsproxy-chat", namespace: "demo" } };
    const theirAccount = bench.server.put(account);
    putAll(bench.server);
    bench.operator();
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(bench.status()?.conditions?.[2]?.message).toMatch(/Service.*not this proxy's/s);
    expect(bench.status()).not.toHaveProperty("address");
    expect(bench.server.get("Service", "demo", "wsproxy-chat")).toEqual(theirs);
    expect(bench.server.get("ServiceAccount", "demo", "wsproxy-chat")).toEqual(theirAccount);
    // The rest is there, and all of it when the name is free.
    expect(bench.server.get("Deployment", "demo", "wsproxy-chat")).toBeDefined();
    bench.server.delete("Service", "demo", "wsproxy-chat");
    bench.server.delete("ServiceAccount", "demo", "wsproxy-chat");
    await until("both are ours", () =>
      ["Service", "ServiceAccount"].every(
        (kind) => bench.server.get(kind, "demo", "wsproxy-chat")?.metadata["ownerReferences"] !== undefined,
      ),
    );
    await until("nothing is wrong any more", () => bench.condition("Programmed") === "False Pending");
    expect(bench.status()?.address).toBe("wsproxy-chat.demo.svc:80");
  });

  test("that took our Service away and put its own there: its address is not ours", async () => {
    const bench = await OperatorBench.settled();
    const ours = bench.server.get("Service", "demo", "wsproxy-chat") as ApiObject;
    const metadata = { ...ours.metadata, ownerReferences: [] };
    bench.server.delete("Service", "demo", "wsproxy-chat");
    const ingress = [{ ip: "192.0.2.66" }];
    const spec = { type: "LoadBalancer", ports: [{ name: "ws", port: 80 }] };
    // Our labels alone make it none of ours.
    bench.server.put({ ...service("wsproxy-chat"), metadata, spec, status: { loadBalancer: { ingress } } });
    await until("the address is gone", () => bench.status()?.address === undefined);
    expect(bench.condition("Programmed")).toBe("False NotApplied");
  });
});

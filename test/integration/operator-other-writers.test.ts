import { describe, expect, test } from "vitest";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { keys, OperatorBench, putAll, service } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

describe("a change by another client", () => {
  test("on our Deployment is undone, once", async () => {
    const bench = await OperatorBench.settled();
    const before = bench.server.writes.length;
    const ours = bench.server.get("Deployment", "demo", "wsproxy-chat");
    bench.server.put({ ...ours, spec: { ...(ours?.["spec"] as object), replicas: 9 } } as never);
    await until("it is undone", () => {
      const { spec } = bench.server.get("Deployment", "demo", "wsproxy-chat") as { spec?: { replicas?: number } };
      return spec?.replicas === 1;
    });
    await bench.quiet();
    expect(bench.writes(before)).toEqual(["PATCH deployments/wsproxy-chat"]);
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
  });
});

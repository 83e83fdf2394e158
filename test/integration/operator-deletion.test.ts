import { Buffer } from "node:buffer";
import { describe, expect, test } from "vitest";
import { PACKED } from "../../api/meta.ts";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { keys, OperatorBench, proxy, putAll, slice } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

/** A bench on which everything of `demo/chat` is as it should be. */
async function settled(): Promise<OperatorBench> {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.operator();
  await until("it has a status", () => bench.status() !== undefined);
  await bench.quiet();
  return bench;
}

/** `kubectl delete`, where these finalizers hold the proxy. */
function remove({ server }: OperatorBench, finalizers: readonly string[]): void {
  const { metadata, ...rest } = server.get("WebSocketProxy", "demo", "chat") as ApiObject;
  server.put({
    ...rest,
    metadata: { ...metadata, finalizers, deletionTimestamp: "2026-11-01T12:00:00Z" },
  });
}

/** The hash in the config Secret. */
function written({ server }: OperatorBench): string {
  const secret = server.get("Secret", "demo", "wsproxy-chat-config-0") as { data?: Record<string, string> } | undefined;
  return Buffer.from(secret?.data?.[PACKED.configHash] ?? "", "base64").toString("utf8");
}

describe("a proxy that is deleted", () => {
  test("leaves nothing to do: Kubernetes deletes what it owned", async () => {
    const bench = await settled();
    const before = bench.server.writes.length;
    bench.server.delete("WebSocketProxy", "demo", "chat");
    bench.server.delete("Deployment", "demo", "wsproxy-chat");
    bench.server.put(slice(["10.0.0.9"]));
    await bench.quiet(400);
    expect(bench.writes(before)).toEqual([]);
  });

  test("and made anew takes over what was left, and inherits no config", async () => {
    const bench = await settled();
    bench.server.delete("WebSocketProxy", "demo", "chat");
    const { uid } = bench.server.put(proxy()).metadata;
    await until("all is the new one's", () =>
      ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment", "Service"].every((kind) => {
        const owners = bench.server.get(kind, "demo", "wsproxy-chat")?.metadata["ownerReferences"];
        return (owners as { uid: string }[])[0]?.uid === uid;
      }),
    );
    bench.server.delete("WebSocketProxy", "demo", "chat");
    bench.server.put(proxy("chat", { listener: { port: 0 } }));
    await until("it is refused", () => bench.condition("Accepted") === "False Invalid");
    expect(bench.status()?.conditions?.[2]?.message).not.toContain("last good");
  });
});

describe("a proxy that is being deleted", () => {
  test("and held by a finalizer is served, and its removed keys go", async () => {
    const bench = await settled();
    remove(bench, ["example.com/clean-up"]);
    await bench.quiet();
    const before = written(bench);
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("the config is new", () => written(bench) !== before);
    await until("the status is of it", () => bench.status()?.dataplane?.configHash === written(bench));
  });

  test.each(["foregroundDeletion", "orphan"])("by Kubernetes itself (%s) is left to it", async (finalizer) => {
    const bench = await settled();
    remove(bench, [finalizer, "example.com/clean-up"]);
    await bench.quiet();
    const from = bench.server.writes.length;
    bench.server.delete("Deployment", "demo", "wsproxy-chat");
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await bench.quiet();
    expect(bench.writes(from)).toEqual([]);
  });
});

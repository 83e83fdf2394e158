import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { WrittenConfigs } from "../../operator/gather/written-configs.ts";
import type { ApiCall } from "../fakes/api-call.ts";
import type { Fault } from "../fakes/api-server.ts";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { keys, OperatorBench, proxy, putAll, slice } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { until } from "../fakes/sockets.ts";

/** All waits are as long as in production, on a clock that runs so many times as fast. */
const clock = quickClock(20);
const ALWAYS = 100_000;

const status = (code: number, reason: string, message: string, details: object = {}): Fault => ({
  status: code,
  body: JSON.stringify({ kind: "Status", status: "Failure", code, reason, message, details }),
});

const forbidden = (name: string): Fault =>
  status(403, "Forbidden", `secrets "${name}" is forbidden: User "operator" cannot get resource "secrets"`);

const config = ({ server }: OperatorBench, name = "chat"): Config | undefined => {
  const secret = server.get("Secret", "demo", `wsproxy-${name}-config-0`);
  return new WrittenConfigs().read("", [(secret as { data?: Record<string, string> } | undefined)?.data]);
};

const clients = (bench: OperatorBench): unknown =>
  config(bench)?.policies.authentication?.[0]?.apiKey?.keys.map(({ client }) => client);

const message = (bench: OperatorBench, type: string): string | undefined =>
  bench.status()?.conditions?.find((it) => it.type === type)?.message;

async function settled(bench: OperatorBench): Promise<void> {
  await until("it waits for pods", () => bench.condition("Programmed") === "False Pending");
}

/** A bench on which everything is as it should be, and no operator works. */
async function written(...more: readonly ApiObject[]): Promise<OperatorBench> {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  for (const object of more) bench.server.put(object);
  const { stop } = bench.operator({ clock });
  await settled(bench);
  await stop();
  return bench;
}

/** An operator that starts where one of two Secrets with keys in force is answered with a fault, and has said so. */
async function blindForOne(fault: Fault): Promise<OperatorBench> {
  const bench = await written(keys({ carol: "carols-own-key-00003" }, "more"));
  bench.server.fail("GET /api/v1/namespaces/demo/secrets/keys", fault, ALWAYS);
  bench.operator({ clock });
  await until("the status says so", () => bench.condition("ResolvedRefs") === "False SecretInvalid");
  return bench;
}

describe("a Secret that the operator may not read any more", () => {
  test("is reported at each reference to it; its keys stay, and everything else goes on", async () => {
    const bench = await written();
    bench.server.fail("GET /api/v1/namespaces/demo/secrets/keys", forbidden("keys"), ALWAYS);
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    const route = proxy("other", {
      routes: [
        { name: "main", backends: [{ service: "echo", port: 80 }], policies: { authentication: { require: "None" } } },
      ],
    });
    bench.server.put(route);
    bench.operator({ clock });
    await until("the status says so", () => bench.condition("ResolvedRefs") === "False SecretInvalid");
    expect(message(bench, "ResolvedRefs")).toMatch(
      /^spec\.routes\[0\]\.policies\.authentication\.apiKey\.secretSelector: Secret keys .*User "operator" cannot get/,
    );
    expect([bench.condition("Accepted"), bench.condition("Programmed")]).toEqual(["True Accepted", "False Pending"]);
    expect(clients(bench)).toEqual(["alice"]);
    await until("another proxy is served", () => bench.condition("ResolvedRefs", "other") === "True ResolvedRefs");

    // Another policy of the same proxy takes effect.
    const known = bench.server.get("WebSocketProxy", "demo", "chat");
    bench.server.put({ ...known, ...proxy("chat", { policies: { deny: { clients: ["alice"] } } }) });
    await until("she is denied", () => config(bench)?.policies.deny?.[0]?.clients.includes("alice") === true);
    expect(clients(bench)).toEqual(["alice"]);

    // No event says that the right is there again.
    bench.server.heal();
    await until("it is read", () => bench.condition("ResolvedRefs") === "True ResolvedRefs");
    expect(clients(bench)).toEqual(["bob"]);
  });

  test("keeps no key alive that is removed from another one", async () => {
    const bench = await blindForOne(forbidden("keys"));
    expect(clients(bench)).toEqual(["alice", "carol"]);
    bench.server.delete("Secret", "demo", "more");
    await until("her key is gone", () => isDeepStrictEqual(clients(bench), ["alice"]));
    expect(bench.condition("ResolvedRefs")).toBe("False SecretInvalid");
  });

  test.each([
    [500, "InternalError", "Internal error occurred: unable to decrypt"],
    [503, "ServiceUnavailable", "etcdserver: request timed out"],
  ])("nor can, since the API server fails with %d for it, holds up no revocation", async (code, reason, words) => {
    const bench = await blindForOne(status(code, reason, words));
    expect(message(bench, "ResolvedRefs")).toContain(`Secret keys is there, but cannot be read. What was in force`);
    expect(message(bench, "ResolvedRefs")).toContain(words);
    bench.server.delete("Secret", "demo", "more");
    await until("her key is gone", () => isDeepStrictEqual(clients(bench), ["alice"]));
    bench.server.heal();
    await until("it is read", () => bench.condition("ResolvedRefs") === "True ResolvedRefs");
  });

  test("for a moment only is read again before the status says so", async () => {
    const bench = await written();
    bench.server.fail("GET /api/v1/namespaces/demo/secrets/keys", status(500, "InternalError", "a hiccup"));
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    const before = bench.server.store.version;
    bench.operator({ clock });
    await until("the key is in force", () => isDeepStrictEqual(clients(bench), ["bob"]));
    expect(JSON.stringify(bench.server.store.since(before))).not.toContain("SecretInvalid");
  });

  test("does not keep the status from saying what pods serve", async () => {
    const bench = await written();
    bench.server.fail("GET /api/v1/namespaces/demo/secrets/keys", forbidden("keys"), ALWAYS);
    await bench.pods.add("chat", "chat-1", { lag: 20 });
    const { lines } = bench.operator({ clock });
    await until("the status says so", () => bench.condition("ResolvedRefs") === "False SecretInvalid");
    const refused = (): number => lines.filter((line) => line.startsWith("warn pass failed")).length;
    await until("it was tried six times", () => refused() >= 6);
    const known = bench.server.get("WebSocketProxy", "demo", "chat");
    bench.server.put({ ...known, ...proxy("chat", { policies: { deny: { clients: ["alice"] } } }) });
    await until("the pod is behind", () => bench.status()?.observedGeneration === 2);
    const since = clock.now();
    await until("the pod serves it", () => bench.condition("Programmed") === "True Programmed");
    // The seventh wait of what is refused is at least as long.
    expect(clock.now() - since).toBeLessThan(30_000);
  });

  test("and that is deleted is revoked", async () => {
    const bench = await written();
    bench.server.fail("GET /api/v1/namespaces/demo/secrets/keys", forbidden("keys"), ALWAYS);
    bench.operator({ clock });
    await until("the status says so", () => bench.condition("ResolvedRefs") === "False SecretInvalid");
    bench.server.delete("Secret", "demo", "keys");
    await until("the key is gone", () => bench.condition("ResolvedRefs") === "False ApiKeysNotFound");
    expect(clients(bench)).toEqual([]);
  });

  test("nor the config in force, leaves that as it is: the operator cannot tell which keys are in it", async () => {
    const bench = await written();
    const before = bench.server.get("Secret", "demo", "wsproxy-chat-config-0");
    bench.server.fail("GET /api/v1/namespaces/demo/secrets/", forbidden("all"), ALWAYS);
    bench.server.put(slice(["10.0.0.9"]));
    bench.operator({ clock });
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(message(bench, "Programmed")).toContain("Secret wsproxy-chat-config-0: 403 Forbidden: secrets");
    expect(bench.condition("ResolvedRefs")).toBe("False SecretInvalid");
    expect(bench.server.get("Secret", "demo", "wsproxy-chat-config-0")).toEqual(before);
    bench.server.heal();
    await settled(bench);
    expect(clients(bench)).toEqual(["alice"]);
  });
});

test("an operator that loses its rights before SIGTERM ends at once, and logs that the Lease stays", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const lease = { namespace: "wsproxy-system", name: "wsproxy-operator" };
  const { lines, stop } = bench.operator({ clock, lease });
  await settled(bench);
  bench.server.fail(({ path }) => path.includes("/leases"), status(403, "Forbidden", "no leases here"), ALWAYS);
  await stop();
  expect(lines.filter((line) => line.startsWith("warn lease not released"))).toHaveLength(1);
});

describe("a namespace that is being deleted", () => {
  const going = status(
    403,
    "Forbidden",
    "secrets is forbidden: unable to create new content in namespace demo because it is being terminated",
    {
      causes: [
        { reason: "NamespaceTerminating", message: "namespace demo is being terminated", field: "metadata.namespace" },
      ],
    },
  );
  const gone = status(404, "NotFound", 'namespaces "demo" not found', { name: "demo", kind: "namespaces" });

  test.each([
    ["being deleted", going],
    ["gone", gone],
  ])("is left alone when it is %s: one line, no error, no retry", async (_, answer) => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    const { controller, lines } = bench.operator({ clock });
    await settled(bench);
    await bench.quiet();
    const creates = ({ method, path }: ApiCall): boolean =>
      method === "POST" || (method === "PATCH" && bench.server.store.read(path.replace(/\/status$/, "")) === undefined);
    bench.server.fail(creates, answer, ALWAYS);
    for (const kind of ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"])
      bench.server.delete(kind, "demo", "wsproxy-chat");
    bench.server.delete("Secret", "demo", "wsproxy-chat-config-0");
    await until("it is noticed", () => lines.some((line) => line.includes("namespace")));
    await bench.quiet();
    // Long enough for several tries.
    const asked = bench.server.calls.length;
    await bench.quiet(600);
    expect(bench.server.calls.length).toBe(asked);
    bench.server.delete("WebSocketProxy", "demo", "chat");
    await bench.quiet();
    expect(lines.filter((line) => line.includes("namespace"))).toEqual([
      "info namespace is being deleted; nothing is made there any more",
    ]);
    expect(lines.filter((line) => /^(warn|error)/.test(line))).toEqual([]);
    const metrics = await controller.metrics.registry.metrics();
    expect(metrics).toContain('wsproxy_operator_reconciles_total{result="refused"} 0');
    expect(metrics).toContain('wsproxy_operator_reconciles_total{result="failed"} 0');
  });

  test("does not hold up a revocation on pods that still serve", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.operator({ clock });
    await settled(bench);
    bench.server.fail(({ method, path }) => method === "PATCH" && path.includes("/deployments/"), going, ALWAYS);
    bench.server.delete("Deployment", "demo", "wsproxy-chat");
    bench.server.delete("Secret", "demo", "keys");
    await until("the key is gone", () => (clients(bench) as string[]).length === 0);
  });
});

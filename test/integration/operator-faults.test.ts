import { describe, expect, test } from "vitest";
import type { ApiCall } from "../fakes/api-call.ts";
import type { FakeApiServer } from "../fakes/api-server.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { keys, OperatorBench, proxy, putAll, slice } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

const LEASE = { namespace: "wsproxy-system", name: "wsproxy-operator" };
/** All waits are as long as in production, on a clock that runs ten times as fast. */
const clock = quickClock(10);

async function ready(bench: OperatorBench): Promise<void> {
  await until("the Service is there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  await until("the status says so", () => bench.condition("Programmed") === "False Pending");
}

const holder = ({ server }: OperatorBench): unknown =>
  (server.get("Lease", LEASE.namespace, LEASE.name) as { spec?: { holderIdentity?: unknown } } | undefined)?.spec
    ?.holderIdentity;

const toDeployments = ({ method, path }: ApiCall): boolean => method === "PATCH" && path.includes("/deployments/");

const hashOf = (bench: OperatorBench): string | undefined => bench.status()?.dataplane?.configHash;

describe("a call that fails", () => {
  test.each([
    ["409", { status: 409, reason: "Conflict" }],
    ["429", { status: 429, headers: { "retry-after": "1" } }],
    ["500", { status: 500 }],
    ["no answer but effect", "answer lost"],
    ["a reset", "reset"],
  ] as const)("with %s is made again, and the proxy gets all its objects", async (_, fault) => {
    const bench = await OperatorBench.start();
    let count = 0;
    // Every third call, watches included.
    bench.server.fail(() => (count += 1) % 3 === 0, fault, 8);
    putAll(bench.server);
    bench.operator({ clock });
    await ready(bench);
    await until("every object is there", () =>
      ["ServiceAccount", "NetworkPolicy", "PodDisruptionBudget", "Deployment"].every(
        (kind) => bench.server.get(kind, "demo", "wsproxy-chat") !== undefined,
      ),
    );
  });

  test("on the status is made again, and other writers keep their conditions", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.server.fail(({ path }) => path.endsWith("/status"), { status: 409, reason: "Conflict" }, 2);
    bench.operator({ clock });
    await ready(bench);
    const own = bench.server.get("WebSocketProxy", "demo", "chat");
    const status = bench.status();
    const theirs = {
      type: "example.com/Audited",
      status: "True",
      reason: "Seen",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    };
    bench.server.put({ ...own, status: { ...status, conditions: [theirs, ...(status?.conditions ?? [])] } } as never);
    const before = bench.server.writes.length;
    await bench.quiet();
    expect(bench.writes(before)).toEqual([]);
  });

  test("of one proxy holds up no other", async () => {
    const bench = await OperatorBench.start();
    bench.server.fail(({ method, path }) => method === "PATCH" && path.includes("/wsproxy-slow"), "silence", 1000);
    putAll(bench.server, "slow");
    putAll(bench.server, "chat");
    bench.operator({ clock });
    await ready(bench);
    expect(bench.status("slow")).toBeUndefined();
  });
});

describe("an object that the API server refuses", () => {
  test.each([403, 422])("with %d is said in the status and in an Event; the others are written", async (status) => {
    const bench = await OperatorBench.start();
    bench.server.fail(toDeployments, { status, reason: "Forbidden" }, 2);
    putAll(bench.server);
    bench.operator({ clock });
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(bench.status()?.conditions?.[2]?.message).toContain("Deployment wsproxy-chat");
    expect(bench.server.get("Service", "demo", "wsproxy-chat")).toBeDefined();
    await until("there is an Event", () => reasons(bench.server).includes("NotApplied"));
    await ready(bench);
    expect(bench.server.get("Deployment", "demo", "wsproxy-chat")).toBeDefined();
    expect(reasons(bench.server).filter((reason) => reason === "NotApplied")).toHaveLength(1);
  });

  test("is tried again less and less often", async () => {
    const bench = await OperatorBench.start();
    bench.server.fail(toDeployments, { status: 422 }, 1000);
    putAll(bench.server);
    const { lines } = bench.operator({ clock });
    await until("it was tried three times", () => bench.server.calls.filter(toDeployments).length >= 3);
    expect(bench.writes().filter((write) => write.endsWith("/status"))).toHaveLength(1);
    expect(lines.filter((line) => line.startsWith("warn pass failed"))).not.toEqual([]);
  });
});

function reasons(server: FakeApiServer): unknown[] {
  return server.store
    .all()
    .filter(({ kind }) => kind === "Event")
    .map(({ reason }) => reason);
}

describe("an API server that is away", () => {
  test("changes nothing, and what happened meanwhile is made good: edits, deletions, a label that is gone", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.operator({ clock });
    await ready(bench);
    const hash = hashOf(bench);
    await bench.server.down();
    bench.server.put({
      ...keys({ alice: "alices-own-key-0001" }),
      metadata: { name: "keys", namespace: "demo", labels: {} },
    });
    bench.server.delete("Deployment", "demo", "wsproxy-chat");
    bench.server.put(slice(["10.0.0.5"]));
    bench.server.store.compact();
    await bench.server.up();
    await until("the Deployment is back", () => bench.server.get("Deployment", "demo", "wsproxy-chat") !== undefined);
    await until(
      "the key is gone",
      () => hashOf(bench) !== hash && bench.condition("ResolvedRefs") === "False ApiKeysNotFound",
    );
  });

  test("for the watches alone is noticed, and nothing is missed", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    const { controller } = bench.operator({ clock });
    await ready(bench);
    const hash = hashOf(bench);
    for (const watch of [...bench.server.watches]) watch.cut();
    bench.server.delete("Secret", "demo", "keys");
    await until("the key is gone", () => hashOf(bench) !== hash);
    const metrics = await controller.metrics.registry.metrics();
    expect(metrics).toContain('wsproxy_operator_watch_restarts_total{kind="Secret"} 1');
  });
});

describe("of several operators", () => {
  test("one works, and another one goes on when it stops", async () => {
    const bench = await OperatorBench.start();
    const both = [bench.operator({ clock, lease: LEASE }), bench.operator({ clock, lease: LEASE })];
    putAll(bench.server);
    await ready(bench);
    await until("one leads", () => both.filter(({ controller }) => controller.leading).length === 1);
    await until("both could", () => both.every(({ controller }) => controller.ready));
    const [first, second] = both[0]?.controller.leading === true ? both : both.reverse();
    await first?.stop();
    bench.server.put(slice(["10.0.0.3"]));
    const before = bench.server.get("ConfigMap", "demo", "wsproxy-chat-endpoints")?.metadata.resourceVersion;
    await until(
      "the other one works",
      () => bench.server.get("ConfigMap", "demo", "wsproxy-chat-endpoints")?.metadata.resourceVersion !== before,
    );
    expect(second?.controller.leading).toBe(true);
  });

  test("one that loses the lease in the middle of a pass writes nothing more", async () => {
    const bench = await OperatorBench.start();
    let answer = (): void => {};
    const hold = new Promise<void>((resolve) => (answer = resolve));
    bench.server.fail(toDeployments, { hold });
    putAll(bench.server);
    const { controller } = bench.operator({ clock, lease: LEASE });
    await until("it waits in the middle", () => bench.server.calls.some(toDeployments));
    bench.server.fail(({ path, method }) => path.includes("/leases") && method !== "GET", { status: 500 }, 1000);
    await until("it leads no more", () => !controller.leading);
    answer();
    const leases = (): number => bench.server.calls.filter(({ path }) => path.includes("/leases")).length;
    const asked = leases();
    await until("it has asked for the lease three times", () => leases() > asked + 3);
    const after = bench.server.writes.findIndex(toDeployments) + 1;
    expect(bench.writes(after).filter((write) => !write.includes("leases"))).toEqual([]);
    expect(bench.server.get("Service", "demo", "wsproxy-chat")).toBeUndefined();
    bench.server.heal();
    await ready(bench);
  });

  test("one that waits remembers nothing of proxies that never were, whatever pods and Secrets name", async () => {
    const bench = await OperatorBench.start();
    anotherLeads(bench);
    const { controller } = bench.operator({ clock, lease: LEASE });
    await until("it could lead", () => controller.ready);
    const depth = async (): Promise<number> => {
      const { metrics } = controller;
      return Number(
        /^wsproxy_operator_queue_depth (\d+)/m.exec(
          await metrics.registry.getSingleMetricAsString("wsproxy_operator_queue_depth"),
        )?.[1],
      );
    };
    for (let at = 0; at < 200; at += 1) {
      const named = `never-${at}`;
      const labels = { "wsproxy.dev/injected": `wsproxy-${named}` };
      bench.server.put({ apiVersion: "v1", kind: "Pod", metadata: { name: "shop", namespace: "demo", labels } });
      const owner = { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: named, uid: named };
      const secret = keys({ alice: "alices-own-key-0001" });
      bench.server.put({ ...secret, metadata: { ...secret.metadata, ownerReferences: [owner] } });
    }
    putAll(bench.server, "last");
    await until("the last change is known", () => controller.standing("demo", "last").kind !== "Missing");
    expect(await depth()).toBe(0);
  });

  test("one that waits writes nothing but its attempts to take the Lease", async () => {
    const bench = await OperatorBench.start();
    anotherLeads(bench);
    putAll(bench.server);
    const { controller } = bench.operator({ clock, lease: LEASE });
    await until("it could lead", () => controller.ready);
    bench.server.put(proxy("chat", { gateway: { replicas: 3 } }));
    await until(
      "it asked for the lease thrice",
      () => bench.server.calls.filter(({ path }) => path.includes("/leases")).length > 2,
    );
    expect(bench.server.writes).toEqual([]);
    expect(holder(bench)).toBe("another");
  });
});

test("an operator that watches some namespaces sends requests about no others", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.server.put({ ...proxy("other"), metadata: { name: "other", namespace: "elsewhere" } });
  bench.operator({ clock, namespaces: ["demo", "test"] });
  await ready(bench);
  const outside = bench.server.calls.filter(({ path }) => !/\/namespaces\/(demo|test)\//.test(path));
  expect(outside.map(({ method, path }) => `${method} ${path}`)).toEqual([]);
});

/** Another process has the Lease, for an hour. */
function anotherLeads({ server }: OperatorBench): void {
  server.put({
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name: LEASE.name, namespace: LEASE.namespace },
    spec: { holderIdentity: "another", leaseDurationSeconds: 3600 },
  });
}

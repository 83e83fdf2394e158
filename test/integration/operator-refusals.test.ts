import { Buffer } from "node:buffer";
import { isDeepStrictEqual } from "node:util";
import { describe, expect, test } from "vitest";
import { PACKED } from "../../api/meta.ts";
import type { ApiObject } from "../fakes/api-server-store.ts";
import type { ApiCall } from "../fakes/api-call.ts";
import type { Fault } from "../fakes/api-server.ts";
import { keys, OperatorBench, proxy, putAll, slice } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { until } from "../fakes/sockets.ts";

/** All waits are as long as in production, on a clock that runs so many times as fast. */
const clock = quickClock(20);
const ALWAYS = 100_000;

const answer = (status: number, reason: string, message: string): Fault => ({
  status,
  body: JSON.stringify({ kind: "Status", status: "Failure", code: status, reason, message }),
});

const QUOTA = 'services "wsproxy-chat" is forbidden: exceeded quota: small, requested: services=1, used: services=1';
const DENIED = 'admission webhook "policy.example.com" denied the request: no owner';
const RANGE = "Internal error occurred: failed to allocate a serviceIP: range is full";
const WEBHOOK = 'Internal error occurred: failed calling webhook "policy.example.com": connection refused';
const INVALID = 'Deployment.apps "wsproxy-chat" is invalid: spec.template.spec.priorityClassName: not found';

const PLURALS: Readonly<Record<string, string>> = {
  ServiceAccount: "serviceaccounts",
  NetworkPolicy: "networkpolicies",
  PodDisruptionBudget: "poddisruptionbudgets",
  Deployment: "deployments",
  Service: "services",
};

const writesTo =
  (kind: string) =>
  ({ method, path }: ApiCall): boolean =>
    method === "PATCH" && path.endsWith(`/${PLURALS[kind]}/wsproxy-chat`);

const there = ({ server }: OperatorBench, kind: string): boolean =>
  server.get(kind, "demo", "wsproxy-chat") !== undefined;

const programmed = (bench: OperatorBench): string | undefined =>
  bench.status()?.conditions?.find(({ type }) => type === "Programmed")?.message;

/** The hash in the config Secret. */
function written({ server }: OperatorBench): string {
  const secret = server.get("Secret", "demo", "wsproxy-chat-config-0") as { data?: Record<string, string> } | undefined;
  return Buffer.from(secret?.data?.[PACKED.configHash] ?? "", "base64").toString("utf8");
}

/** Every reason that Programmed ever had. */
function reasons({ server }: OperatorBench): Set<unknown> {
  const conditions = server.store.since(0).flatMap(({ after }) => {
    const { status } = (after ?? {}) as {
      readonly status?: { readonly conditions?: readonly Record<string, unknown>[] };
    };
    return after?.kind === "WebSocketProxy" ? (status?.conditions ?? []) : [];
  });
  return new Set(conditions.filter(({ type }) => type === "Programmed").map(({ reason }) => reason));
}

async function settled(bench: OperatorBench): Promise<void> {
  await until("it waits for pods", () => bench.condition("Programmed") === "False Pending");
}

describe("an object that is refused again and again", () => {
  test.each([
    ["Service", 403, "Forbidden", QUOTA],
    ["Service", 500, "InternalError", RANGE],
    ["PodDisruptionBudget", 403, "Forbidden", DENIED],
    ["Deployment", 422, "Invalid", INVALID],
    ["Deployment", 500, "InternalError", WEBHOOK],
    ["ServiceAccount", 500, "InternalError", WEBHOOK],
  ])("is reported by its name with the API server's words: %s, %d %s", async (kind, status, reason, message) => {
    const bench = await OperatorBench.start();
    bench.server.fail(writesTo(kind), answer(status, reason, message), ALWAYS);
    putAll(bench.server);
    bench.operator({ clock });
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(programmed(bench)).toContain(`${kind} wsproxy-chat: ${status} ${reason}: ${message}`);
    expect(bench.condition("Ready")).toBe("False NoReadyPods");
    expect(Object.keys(PLURALS).filter((one) => !there(bench, one))).toEqual([kind]);

    // A permission that goes away does not wait for it.
    const before = written(bench);
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("the config is new", () => written(bench) !== before);
    bench.server.heal();
    await until("it is there at last", () => there(bench, kind));
    await settled(bench);
  });

  test("is tried less and less often, with one status and one Event", async () => {
    const bench = await OperatorBench.start();
    bench.server.fail(writesTo("Service"), answer(500, "InternalError", RANGE), ALWAYS);
    putAll(bench.server);
    bench.operator({ clock });
    await until("it was tried five times", () => bench.server.calls.filter(writesTo("Service")).length >= 5);
    expect(bench.writes().filter((write) => write.endsWith("/status"))).toHaveLength(1);
    const events = bench.server.store.all().filter((it) => it.kind === "Event" && it["reason"] === "NotApplied");
    expect(events).toHaveLength(1);
  });

  test("because a webhook hangs is reported too, and the objects after it are written", async () => {
    const bench = await OperatorBench.start();
    bench.server.fail(writesTo("PodDisruptionBudget"), "silence", ALWAYS);
    putAll(bench.server);
    bench.operator({ clock, lease: { namespace: "wsproxy-system", name: "wsproxy-operator" } });
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(programmed(bench)).toContain("PodDisruptionBudget wsproxy-chat: the API server did not answer in time");
    expect(there(bench, "Service")).toBe(true);
  });
});

test.each<[string, Fault]>([
  ["500", answer(500, "InternalError", WEBHOOK)],
  ["409", answer(409, "Conflict", "the object has been modified")],
  ["429", { status: 429, headers: { "retry-after": "1" } }],
  ["a reset", "reset"],
])("%s that comes once does not show in the status", async (_, fault) => {
  const bench = await OperatorBench.start();
  for (const kind of Object.keys(PLURALS)) bench.server.fail(writesTo(kind), fault);
  putAll(bench.server);
  bench.operator({ clock });
  await settled(bench);
  expect(Object.keys(PLURALS).filter((kind) => !there(bench, kind))).toEqual([]);
  expect([...reasons(bench)]).toEqual(["Pending"]);
});

describe("what waits for an object that is refused", () => {
  test("are the pods, for their NetworkPolicy: no pod may run without it", async () => {
    const bench = await OperatorBench.start();
    bench.server.fail(writesTo("NetworkPolicy"), answer(403, "Forbidden", DENIED), ALWAYS);
    putAll(bench.server);
    bench.operator({ clock });
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(["Deployment", "Service"].map((kind) => there(bench, kind))).toEqual([false, true]);
    bench.server.heal();
    await until("there are pods", () => there(bench, "Deployment"));
  });

  test("is the Deployment, for the config; the pods keep what they have", async () => {
    const bench = await OperatorBench.start();
    putAll(bench.server);
    bench.operator({ clock });
    await settled(bench);
    const { uid } = bench.server.get("WebSocketProxy", "demo", "chat")?.metadata ?? {};
    const [config, deployment] = [written(bench), bench.server.get("Deployment", "demo", "wsproxy-chat")];
    const toConfig = ({ method, path }: ApiCall): boolean => method === "PATCH" && path.includes("/secrets/");
    bench.server.fail(toConfig, answer(413, "RequestEntityTooLarge", "Request entity too large"), ALWAYS);
    const known = bench.server.get("WebSocketProxy", "demo", "chat");
    bench.server.put({ ...known, ...proxy("chat", { listener: { port: 8081 } }) });
    await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
    expect(programmed(bench)).toContain("Secret wsproxy-chat-config-0: 413");
    // The config in force may take a part that the next one does not.
    const labels = bench.server.get("Secret", "demo", "wsproxy-chat-config-0")?.metadata.labels ?? {};
    bench.server.put(part(labels, String(uid)));
    const tried = bench.server.calls.filter(toConfig).length;
    await until("it was tried twice more", () => bench.server.calls.filter(toConfig).length >= tried + 2);
    expect(written(bench)).toBe(config);
    expect(bench.server.get("Deployment", "demo", "wsproxy-chat")).toEqual(deployment);
    expect(bench.server.get("Secret", "demo", "wsproxy-chat-config-1")).toBeDefined();
    bench.server.heal();
    await until("all is new", () => written(bench) !== config && bench.condition("Programmed") === "False Pending");
    expect(bench.server.get("Deployment", "demo", "wsproxy-chat")).not.toEqual(deployment);
    expect(bench.server.get("Secret", "demo", "wsproxy-chat-config-1")).toBeUndefined();
  });
});

test("while a config is refused, the operator writes endpoints only for the config in force", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.operator({ clock });
  await settled(bench);
  const endpoints = (): unknown => bench.server.get("ConfigMap", "demo", "wsproxy-chat-endpoints");
  const toConfig = ({ method, path }: ApiCall): boolean => method === "PATCH" && path.includes("/secrets/");
  bench.server.fail(toConfig, answer(413, "RequestEntityTooLarge", "Request entity too large"), ALWAYS);
  const known = bench.server.get("WebSocketProxy", "demo", "chat");
  bench.server.put({ ...known, ...proxy("chat", { policies: { deny: { clients: ["bob"] } } }) });
  await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
  const first = endpoints();
  bench.server.put(slice(["10.0.0.9"]));
  await until("a rollout of the backend goes on", () => !isDeepStrictEqual(endpoints(), first));

  const second = endpoints();
  const routes = [{ name: "main", backends: [{ service: "other", port: 80 }] }];
  bench.server.put({ ...known, ...proxy("chat", { routes, policies: { authentication: { require: "None" } } }) });
  await until("it is looked at", () => bench.condition("ResolvedRefs") === "False ServiceNotFound");
  expect(endpoints()).toEqual(second);
  bench.server.heal();
  await until("all is new", () => !isDeepStrictEqual(endpoints(), second));
});

test("an object that may not be deleted is reported", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.operator({ clock });
  await settled(bench);
  const { uid } = bench.server.get("WebSocketProxy", "demo", "chat")?.metadata ?? {};
  const labels = bench.server.get("Secret", "demo", "wsproxy-chat-config-0")?.metadata.labels ?? {};
  bench.server.fail("DELETE", answer(403, "Forbidden", "no delete here"), ALWAYS);
  bench.server.put(part(labels, String(uid)));
  await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
  expect(programmed(bench)).toContain("Secret wsproxy-chat-config-1: 403 Forbidden: no delete here");
  bench.server.heal();
  await until("it is gone", () => bench.server.get("Secret", "demo", "wsproxy-chat-config-1") === undefined);
});

/** A part of a config that is not wanted any more. */
function part(labels: Readonly<Record<string, string>>, uid: string): ApiObject {
  const ownerReferences = [{ apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: "chat", uid }];
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "wsproxy-chat-config-1", namespace: "demo", labels, ownerReferences },
    data: {},
  };
}

describe("a status for which the spec leaves no room", () => {
  const carriesRoutes = ({ path, body }: ApiCall): boolean =>
    path.endsWith("/status") &&
    (body as { readonly status?: { readonly routes?: unknown } }).status?.routes !== undefined;

  test.each([
    [500, "Unknown", "etcdserver: request is too large"],
    [500, "Unknown", "rpc error: code = ResourceExhausted desc = trying to send message larger than max (9 vs. 8)"],
    [413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"],
  ])("is written without its routes: %d %s: %s", async (status, reason, message) => {
    const bench = await OperatorBench.start();
    bench.server.fail(carriesRoutes, answer(status, reason, message), ALWAYS);
    putAll(bench.server);
    const { lines } = bench.operator({ clock });
    await settled(bench);
    expect(bench.status()).toMatchObject({ acceptedRoutes: "1/1", observedGeneration: 1 });
    expect(bench.status()).not.toHaveProperty("routes");

    // What does not fit is not tried again with every pass.
    const hash = bench.status()?.dataplane?.configHash;
    const tried = bench.server.calls.filter(carriesRoutes).length;
    bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
    await until("the new config is told of", () => bench.status()?.dataplane?.configHash !== hash);
    expect(bench.server.calls.filter(carriesRoutes)).toHaveLength(tried);
    expect(lines.join("\n")).not.toContain("pass failed");

    // Another spec may leave more.
    bench.server.heal();
    bench.server.put(proxy("chat", { listener: { port: 9000 } }));
    await until("it has its routes", () => bench.status()?.routes?.length === 1);
  });
});

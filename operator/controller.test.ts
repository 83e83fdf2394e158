import type { Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { ApiCall } from "../test/fakes/api-call.ts";
import type { ApiObject } from "../test/fakes/api-server-store.ts";
import { FakeClock } from "../test/fakes/clock.ts";
import { keys, OperatorBench, proxy, putAll, service, slice, type Running } from "../test/fakes/operator-bench.ts";
import { until } from "../test/fakes/sockets.ts";

/** Passes that ended, by how they ended. */
async function passes({ controller }: Running): Promise<Record<string, number>> {
  const text = await controller.metrics.registry.getSingleMetricAsString("wsproxy_operator_reconciles_total");
  const counted = [...text.matchAll(/result="(\w+)"\} (\d+)/g)];
  return Object.fromEntries(counted.map(([, result = "", count]) => [result, Number(count)]));
}

/** `demo/<name>` with a Service and API keys of its own. */
function ownProxy(name: string): ApiObject[] {
  const policies = { authentication: { apiKey: { secretSelector: { matchLabels: { keys: name } } } } };
  const routes = [{ name: "main", backends: [{ service: name, port: 80 }], policies }];
  const secret = keys({ [name]: `the-own-key-of-${name}` }, name);
  return [
    service(name),
    slice(["10.0.0.1"], name),
    { ...secret, metadata: { ...secret.metadata, labels: { keys: name } } },
    proxy(name, { routes }),
  ];
}

const written = (bench: OperatorBench, from: number): string[] =>
  bench.writes(from).filter((write) => !write.endsWith("/status"));

describe("an event", () => {
  async function two(): Promise<{ bench: OperatorBench; running: Running }> {
    const bench = await OperatorBench.start();
    for (const object of [...ownProxy("one"), ...ownProxy("two")]) bench.server.put(object);
    const running = bench.operator({ clock: new FakeClock() });
    await until("both have a status", () => bench.status("one") !== undefined && bench.status("two") !== undefined);
    await bench.quiet();
    return { bench, running };
  }

  test.each<[string, ApiObject, string]>([
    ["a Secret that one of them selects", ownProxy("two")[2] as ApiObject, "PATCH secrets/wsproxy-two-config-0"],
    ["endpoints of a Service of one of them", slice(["10.0.0.9"], "one"), "PATCH configmaps/wsproxy-one-endpoints"],
    ["one of them", proxy("two", { gateway: { replicas: 5 } }), "PATCH secrets/wsproxy-two-config-0"],
  ])("on %s makes one pass, for that proxy", async (_, object, write) => {
    const { bench, running } = await two();
    const { done = 0 } = await passes(running);
    const from = bench.server.writes.length;
    const changed = object.kind === "Secret" ? { ...object, data: { dora: "ZG9yYXMtb3duLWtleS0wMDAx" } } : object;
    bench.server.put({ ...bench.server.get(object.kind, "demo", object.metadata.name), ...changed });
    await until("it is written", () => written(bench, from).includes(write));
    await bench.quiet();
    const name = /wsproxy-(\w+)/.exec(write)?.[1] ?? "";
    expect(written(bench, from).filter((one) => !one.includes(`wsproxy-${name}`))).toEqual([]);
    expect((await passes(running))["done"]).toBe(done + 1);
  });

  test("on an object that no proxy names makes no pass", async () => {
    const { bench, running } = await two();
    const before = await passes(running);
    bench.server.put(slice(["10.0.0.9"], "three"));
    bench.server.put(keys({ eve: "a-key-of-no-proxy-01" }, "three"));
    await bench.quiet();
    expect(await passes(running)).toEqual(before);
  });
});

test("a pass that is refused is made again no sooner than the API server asks, and counts as refused", async () => {
  const bench = await OperatorBench.start();
  const clock = new FakeClock();
  const toService = ({ method, path }: ApiCall): boolean =>
    method === "PATCH" && path.endsWith("/services/wsproxy-chat");
  const tried = (): number => bench.server.calls.filter(toService).length;
  bench.server.fail(toService, { status: 403, headers: { "retry-after": "7" } });
  putAll(bench.server);
  const running = bench.operator({ clock });
  await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
  await bench.quiet();
  clock.advance(6999);
  await bench.quiet();
  expect([tried(), await passes(running)]).toEqual([1, { done: 0, refused: 1, failed: 0 }]);
  clock.advance(1);
  await until("it is there", () => bench.condition("Programmed") === "False Pending");
  await bench.quiet();
  expect([tried(), await passes(running)]).toEqual([2, { done: 1, refused: 1, failed: 0 }]);
  expect(running.lines.filter((line) => line === "warn pass failed; trying again")).toHaveLength(1);
});

test("while an object is refused, pods that report something else all the time bring a pass every two seconds", async () => {
  const bench = await OperatorBench.start();
  const clock = new FakeClock();
  const toService = ({ method, path }: ApiCall): boolean =>
    method === "PATCH" && path.endsWith("/services/wsproxy-chat");
  bench.server.fail(toService, { status: 403 }, Number.POSITIVE_INFINITY);
  putAll(bench.server);
  bench.operator({ clock, random: () => 1 });
  await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
  let count = 0;
  const answers = (socket: Socket): void => {
    const problems = [`problem ${(count += 1)}`];
    const hash = bench.status()?.dataplane?.configHash ?? "";
    const rejected = { hash, stage: "config", problems };
    const body = JSON.stringify({ proxies: [{ proxy: "demo/chat", rejected }], more: 0 });
    const type = "content-type: application/json";
    socket.end(`HTTP/1.1 200 OK\r\n${type}\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  };
  await bench.pods.add("chat", "pod-0", { answers });
  await until("the pod is asked", () => count > 0);
  await bench.quiet();
  const tried = (): number => bench.server.calls.filter(toService).length;
  const [triedBefore, before] = [tried(), count];
  for (let passed = 0; passed < 6000; passed += 300) {
    clock.advance(300);
    await bench.quiet(60);
  }
  expect(count - before).toBeGreaterThan(15);
  expect(tried() - triedBefore).toBeGreaterThanOrEqual(2);
  // The pods bring three passes, and the back-off of the queue brings its own.
  expect(tried() - triedBefore).toBeLessThanOrEqual(6);
});

test("while the admin token may not be read, a refused object does not make the operator read it again less often", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const first = bench.operator();
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  await bench.pods.add("chat", "pod-0", { misses: 1000 });
  await until("it is ready", () => bench.condition("Ready") === "True Ready");
  await first.stop();
  const readsToken = ({ method, path }: ApiCall): boolean => method === "GET" && path.endsWith("/wsproxy-chat-admin");
  const toService = ({ method, path }: ApiCall): boolean =>
    method === "PATCH" && path.endsWith("/services/wsproxy-chat");
  bench.server.fail(readsToken, { status: 403 }, Number.POSITIVE_INFINITY);
  bench.server.fail(toService, { status: 403 }, Number.POSITIVE_INFINITY);
  bench.server.delete("Service", "demo", "wsproxy-chat");
  bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
  const clock = new FakeClock();
  bench.operator({ clock, random: () => 1 });
  await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
  await bench.quiet();
  const before = bench.server.calls.filter(readsToken).length;
  for (let passed = 0; passed < 20_000; passed += 500) {
    clock.advance(500);
    await bench.quiet(40);
  }
  expect(bench.server.calls.filter(readsToken).length - before).toBeGreaterThanOrEqual(9);
});

test("a pass that turns out to be a heavy one is made again when its turn comes, and counts once", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const more = Object.fromEntries(Array.from({ length: 3000 }, (_, at) => [`client-${at}`, `${"k".repeat(60)}-${at}`]));
  bench.server.put(keys(more, "more"));
  const running = bench.operator({ clock: new FakeClock() });
  await until("it has a status", () => bench.status() !== undefined);
  await bench.quiet();
  expect(await passes(running)).toEqual({ done: 1, refused: 0, failed: 0 });
});

test("a process that begins to lead tells so, once", async () => {
  const bench = await OperatorBench.start();
  const { controller } = bench.operator();
  const seen: boolean[] = [];
  controller.onLead(() => seen.push(controller.leading));
  await until("it leads", () => controller.leading);
  expect(seen).toEqual([true]);
});

test("a process that stops in the middle of a pass writes nothing more, and looks at no pods", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const running = bench.operator();
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  const pod = await bench.pods.add("chat", "pod-0", { misses: 1000 });
  await until("it is ready", () => bench.condition("Ready") === "True Ready");
  const hash = bench.status()?.dataplane?.configHash;
  bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
  await until("the pod is behind", () => bench.status()?.dataplane?.configHash !== hash);
  const toConfig = ({ method, path }: ApiCall): boolean => method === "PATCH" && path.endsWith("-config-0");
  const count = bench.server.calls.filter(toConfig).length;
  bench.server.fail(toConfig, "silence");
  bench.server.put(keys({ carol: "carols-own-key-00003" }));
  await until("a pass is under way", () => bench.server.calls.filter(toConfig).length > count);
  await running.stop();
  expect(running.controller.leading).toBe(false);
  const [writes, asked] = [bench.server.writes.length, pod.asked];
  await bench.quiet(700);
  expect([bench.server.writes.length, pod.asked]).toEqual([writes, asked]);
});

test("what the loop sees of pods brings one pass: the status tells that all of them serve", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const running = bench.operator();
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  await bench.pods.add("chat", "pod-0", { lag: 400 });
  await until("it is ready", () => bench.condition("Ready") === "True Ready");
  await until("its pass is over", () => bench.server.store.all().some(({ reason }) => reason === "Ready"));
  const begun = (await passes(running))["done"] ?? 0;
  bench.edit({ policies: { deny: { clients: ["bob"] } } });
  await until("the pod is behind", () => bench.condition("Programmed") === "False RollingOut");
  await until("its pass is over", async () => ((await passes(running))["done"] ?? 0) > begun);
  const before = (await passes(running))["done"] ?? 0;
  await until("it serves", () => bench.condition("Programmed") === "True Programmed");
  await bench.quiet();
  const after = (await passes(running))["done"] ?? 0;
  // The pass that was under way, and the one that tells.
  expect(after - before).toBeGreaterThanOrEqual(1);
  expect(after - before).toBeLessThanOrEqual(2);
});

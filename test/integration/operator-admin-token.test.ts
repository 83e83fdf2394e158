import { expect, test } from "vitest";
import type { ApiObject } from "../fakes/api-server-store.ts";
import type { ApiCall } from "../fakes/api-call.ts";
import { OperatorBench, putAll, type Running } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

const NAME = "wsproxy-chat-admin";
const FORM = /^[A-Za-z0-9_-]{43}$/;

type Bench = OperatorBench & { readonly running: Running };

/** A proxy that is served by one pod. */
async function served(): Promise<Bench> {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const running = bench.operator();
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  await bench.pods.add("chat", "pod-0");
  await until("it is programmed", () => bench.condition("Programmed") === "True Programmed");
  return Object.assign(bench, { running });
}

function tokenIn({ server }: OperatorBench): string | undefined {
  const secret = server.get("Secret", "demo", NAME) as { data?: { token?: string } } | undefined;
  return secret && Buffer.from(secret.data?.token ?? "", "base64").toString("utf8");
}

const programmed = (bench: OperatorBench): string =>
  bench.status()?.conditions?.find(({ type }) => type === "Programmed")?.message ?? "";

test("each proxy has a token of its own, and a restarted operator keeps it", async () => {
  const bench = await served();
  putAll(bench.server, "other");
  await until(
    "the other one has its token",
    () => bench.server.get("Secret", "demo", "wsproxy-other-admin") !== undefined,
  );
  const token = tokenIn(bench);
  expect(token).toMatch(FORM);
  const other = bench.server.get("Secret", "demo", "wsproxy-other-admin") as ApiObject;
  expect(JSON.stringify(other)).not.toContain(Buffer.from(token ?? "").toString("base64"));
  await bench.quiet();
  await bench.running.stop();
  const before = bench.server.writes.length;
  bench.operator();
  await bench.quiet();
  expect([tokenIn(bench), bench.writes(before)]).toEqual([token, []]);
});

test.each<[what: string, act: (bench: Bench, secret: ApiObject) => void]>([
  ["deleted", ({ server }) => server.delete("Secret", "demo", NAME)],
  [
    "replaced by a word",
    ({ server }, secret) => server.put({ ...secret, data: { token: Buffer.from("password").toString("base64") } }),
  ],
  ["emptied", ({ server }, secret) => server.put({ ...secret, data: {} })],
])("a token that is %s is replaced, and the pods are nudged", async (_, act) => {
  const bench = await served();
  const [token, from] = [tokenIn(bench), bench.server.writes.length];
  act(bench, bench.server.get("Secret", "demo", NAME) as ApiObject);
  await until("there is another one", () => FORM.test(tokenIn(bench) ?? "") && tokenIn(bench) !== token);
  await until("the pod is told", () => bench.writes(from).includes("PATCH pods/pod-0"));
  await bench.quiet();
  expect(bench.condition("Programmed")).toBe("True Programmed");
  expect(bench.writes(from).filter((write) => write.includes(NAME))).toEqual([`PATCH secrets/${NAME}`]);
});

test("a pod that has not got the token yet is nudged and waited for, and the status reports no failure", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.operator();
  await until("the objects are there", () => bench.server.get("Service", "demo", "wsproxy-chat") !== undefined);
  const secret = bench.server.get("Secret", "demo", NAME) as ApiObject;
  bench.server.delete("Secret", "demo", NAME);
  await until("there is another token", () => {
    const now = bench.server.get("Secret", "demo", NAME);
    return now !== undefined && now.metadata.uid !== secret.metadata.uid;
  });
  // The pod starts with what was mounted before it: it misses the nudge that tells it.
  const pod = await bench.pods.add("chat", "pod-0", { staleToken: true });
  await until("it was asked", () => pod.asked > 0);
  await until("it is waited for", () => programmed(bench).includes("Ready, without the newest config: pod-0."));
  expect(programmed(bench)).not.toMatch(/usable|token/);
  await until("it is programmed", () => bench.condition("Programmed") === "True Programmed");
});

test("a token that cannot be read for a while is neither replaced nor taken away, and holds up no config", async () => {
  const bench = await served();
  const token = tokenIn(bench);
  await bench.running.stop();
  const forbidden = { status: 403, reason: "Forbidden" };
  bench.server.fail(`GET /api/v1/namespaces/demo/secrets/${NAME}`, forbidden, 100_000);
  bench.operator();
  const hash = (): unknown => bench.server.get("Secret", "demo", "wsproxy-chat-config-0")?.["data"];
  const before = hash();
  bench.server.delete("Secret", "demo", "keys");
  await until("the key is taken out of the config", () => JSON.stringify(hash()) !== JSON.stringify(before));
  await bench.quiet();
  expect(tokenIn(bench)).toBe(token);
  bench.server.heal();
  await until("it is programmed", () => bench.condition("Programmed") === "True Programmed");
});

test("a Secret of that name which is not the proxy's is left alone, and the status says so", async () => {
  const bench = await OperatorBench.start();
  const theirs = bench.server.put({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: NAME, namespace: "demo" },
    data: { token: "dGhlaXJz" },
  });
  putAll(bench.server);
  bench.operator();
  await until("the status says so", () => bench.condition("Programmed") === "False NotApplied");
  expect(programmed(bench)).toMatch(/Secret wsproxy-chat-admin.*not this proxy's/s);
  await bench.quiet();
  expect(bench.server.get("Secret", "demo", NAME)).toEqual(theirs);
});

test("no token stands in a log line, a status, an Event, a metric, or any object but its own", async () => {
  const bench = await served();
  const first = tokenIn(bench) ?? "";
  bench.server.fail(
    ({ method, path }: ApiCall) => method === "PATCH" && path.endsWith(`/secrets/${NAME}`),
    { status: 422 },
    2,
  );
  bench.server.delete("Secret", "demo", NAME);
  await until("there is another one", () => tokenIn(bench) !== undefined);
  await bench.quiet();
  const tokens = [first, tokenIn(bench) ?? ""].flatMap((one) => [one, Buffer.from(one).toString("base64")]);
  const { controller, lines } = bench.running;
  const others = bench.server.store.all().filter(({ kind, metadata }) => kind !== "Secret" || metadata.name !== NAME);
  const sinks = [lines.join("\n"), JSON.stringify(others), await controller.metrics.registry.metrics()];
  for (const token of tokens) for (const sink of sinks) expect(sink.includes(token)).toBe(false);
  expect(tokens.every((token) => token.length >= 43)).toBe(true);
});

import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { PACKED } from "../../api/meta.ts";
import { WrittenConfigs } from "../../operator/gather/written-configs.ts";
import type { ApiObject } from "../fakes/api-server-store.ts";
import { keys, OperatorBench, proxy, putAll } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

const clients = ({ server }: OperatorBench): string => {
  const secret = server.get("Secret", "demo", "wsproxy-chat-config-0") as { data?: Record<string, string> } | undefined;
  const config: Config | undefined = new WrittenConfigs().read("", [secret?.data]);
  return (config?.policies.authentication?.[0]?.apiKey?.keys ?? []).map(({ client }) => client).join();
};

const message = (bench: OperatorBench, type: string): string | undefined =>
  bench.status()?.conditions?.find((it) => it.type === type)?.message;

/** A Secret of nearly a mebibyte that holds one key. */
function large(at: number): ApiObject {
  return keys({ [`client-${at}`]: `key-of-client-${at}-0001`, padding: "x".repeat(900_000) }, `large-${at}`);
}

/** Twenty of them, which is more than is read for one proxy. */
function flood({ server }: OperatorBench): void {
  for (let at = 10; at < 30; at += 1) server.put(large(at));
}

test("Secrets beyond the budget do not hold up a revocation, and the status says what is too much", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.server.put(keys({ bob: "bobs-quite-own-key-2" }, "more"));
  const { controller } = bench.operator();
  await until("both are admitted", () => clients(bench) === "alice,bob");
  flood(bench);
  await until("the status says so", () => bench.condition("ResolvedRefs") === "False TooLarge");
  expect(message(bench, "ResolvedRefs")).toMatch(
    /^spec\.routes\[0\].*secretSelector: Secret large-\d+ and \d more are not read: .* more than 16Mi, the most that is read for one WebSocketProxy; make it smaller, or divide them/,
  );
  expect(bench.condition("Accepted")).toBe("True Accepted");
  const text = await controller.metrics.registry.getSingleMetricAsString("wsproxy_operator_budget_exceeded");
  expect(text).toContain('wsproxy_operator_budget_exceeded{budget="bytes"} 1');

  bench.server.delete("Secret", "demo", "keys");
  await until("alice is refused", () => !clients(bench).includes("alice"));
  expect(clients(bench)).toContain("bob");
  bench.server.put(keys({ carol: "carols-own-key-00003" }, "more"));
  await until("a key in place of another counts at once", () => clients(bench).includes("carol"));
  expect(clients(bench)).not.toContain("bob");
  for (let at = 10; at < 30; at += 1) bench.server.delete("Secret", "demo", `large-${at}`);
  await until("all is well", () => bench.condition("ResolvedRefs") === "True ResolvedRefs");
  expect(clients(bench)).toBe("carol");
});

test("an operator that starts where too much is selected removes no key that it has not read, and later those that are deleted", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const { stop } = bench.operator();
  await until("alice is admitted", () => clients(bench) === "alice");
  await stop();
  // All of them are as old as the Secret with the key in force, and come before it by their names.
  for (let at = 10; at < 30; at += 1)
    bench.server.put({ ...large(at), metadata: { ...large(at).metadata, name: `a-${at}` } });
  bench.operator();
  await until("the status says so", () => bench.condition("ResolvedRefs") === "False TooLarge");
  expect(clients(bench).split(",")).toContain("alice");
  bench.server.delete("Secret", "demo", "a-10");
  await until("a key that was read and is gone is refused", () => !clients(bench).includes("client-10"));
  expect(clients(bench).split(",")).toContain("alice");
});

test("a spec that is too large leaves the last good one in force, and keys that are taken away are gone", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const { controller } = bench.operator();
  await until("alice is admitted", () => clients(bench) === "alice");
  const backends = Array.from({ length: 64 }, () => ({ service: "echo", port: 80 }));
  const routes = Array.from({ length: 65 }, (_, at) => ({ name: `r${at}`, path: { value: `/${at}` }, backends }));
  bench.server.put({ ...bench.server.get("WebSocketProxy", "demo", "chat"), ...proxy("chat", { routes }) });
  await until("it is not accepted", () => bench.condition("Accepted") === "False TooLarge");
  expect(message(bench, "Accepted")).toMatch(/4160 backends, and there can be 4096/);
  expect(clients(bench)).toBe("alice");
  const text = await controller.metrics.registry.getSingleMetricAsString("wsproxy_operator_budget_exceeded");
  expect(text).toContain('wsproxy_operator_budget_exceeded{budget="spec"} 1');
  bench.server.put(keys({ bob: "bobs-quite-own-key-2" }));
  await until("alice is refused, and bob admitted", () => clients(bench) === "bob");
});

test.each([
  ["short", 1],
  ["long", 600],
])("a %s config that a user changed in its Secret is written anew", async (_, count) => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const entries = Array.from({ length: count }, (_entry, at) => [
    `c${at}`,
    createHash("sha256").update(`${at}`).digest("hex"),
  ]);
  bench.server.put(keys(Object.fromEntries(entries), "many"));
  bench.operator();
  await until("all are admitted", () => clients(bench).split(",").length === count + 1);
  const known = bench.server.get("Secret", "demo", "wsproxy-chat-config-0") as ApiObject & {
    data: Record<string, string>;
  };
  const packed = known.data[PACKED.configPart(0)] ?? "";
  bench.server.put({ ...known, data: { ...known.data, [PACKED.configPart(0)]: `${packed.slice(0, -8)}AAAAAAA=` } });
  await until("it is as it was", () => {
    const now = bench.server.get("Secret", "demo", "wsproxy-chat-config-0") as
      | { data?: Record<string, string> }
      | undefined;
    return now?.data?.[PACKED.configPart(0)] === packed;
  });
});

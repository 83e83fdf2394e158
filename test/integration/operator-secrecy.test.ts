import { expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { WrittenConfigs } from "../../operator/gather/written-configs.ts";
import { keyPair } from "../fakes/certificates.ts";
import { keys, OperatorBench, proxy, putAll } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

const SAME = "the-same-key-twice-01";
const LOGIN = { username: btoa("root"), password: btoa("of-the-database") };

const config = ({ server }: OperatorBench): Config | undefined => {
  const secret = server.get("Secret", "demo", "wsproxy-chat-config-0");
  return new WrittenConfigs().read("", [(secret as { data?: Record<string, string> } | undefined)?.data]);
};
const clients = (bench: OperatorBench): unknown =>
  config(bench)?.policies.authentication?.[0]?.apiKey?.keys.map(({ client }) => client);

/** All that the operator ever wrote where users without a right to Secrets can read it: statuses, Events, other objects. */
const shown = ({ server }: OperatorBench): string =>
  JSON.stringify(server.writes.filter(({ path }) => !path.includes("/secrets/")).map(({ body }) => body));

test("two Secrets with the same key: the operator logs it once, and neither status nor Events show it", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  bench.server.put(keys({ mallory: SAME }, "a-first"));
  bench.server.put(keys({ alice: SAME, bob: "bobs-quite-own-key-2" }, "b-second"));
  const { lines } = bench.operator();
  await until("it has said so", () => bench.condition("ResolvedRefs") === "True ResolvedRefs");
  expect(clients(bench)).toContain("mallory");
  bench.server.put(keys({ alice: SAME, carol: "carols-own-key-00003" }, "b-second"));
  await until("the change is in force", () => JSON.stringify(clients(bench)).includes("carol"));
  expect(shown(bench)).not.toMatch(/same key|b-second|a-first/);
  expect(lines.filter((line) => line.includes("API key left out"))).toEqual(["warn API key left out"]);
});

test("a Secret that is labelled while the operator runs is used, and no more once the label is gone", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const database = (labels: Record<string, string>): object => ({
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/basic-auth",
    metadata: { name: "database", namespace: "demo", labels },
    data: LOGIN,
  });
  const backends = [{ service: "echo", port: 80, basicAuthSecretName: "database" }];
  const policies = { authentication: { require: "None" } };
  bench.server.put(database({}) as never);
  bench.server.put(proxy("chat", { policies, routes: [{ name: "main", backends }] }));
  bench.operator();
  const used = (): unknown => config(bench)?.routes[0]?.backends;
  await until("it is refused", () => bench.condition("ResolvedRefs") === "False SecretNotPermitted");
  expect(shown(bench)).toContain("kubectl label secret database --namespace demo wsproxy.dev/use=true");
  expect(used()).toEqual([]);
  bench.server.put(database({ "wsproxy.dev/use": "true" }) as never);
  await until("it is used", () => JSON.stringify(used()).includes("of-the-database"));
  bench.server.put(database({ "wsproxy.dev/use": "no" }) as never);
  await until("it is used no more", () => JSON.stringify(used()) === "[]");
  expect(shown(bench)).not.toContain("of-the-database");
});

test("an edited password and CA of the store reach the pods' config, and no reader of the status sees either", async () => {
  const bench = await OperatorBench.start();
  putAll(bench.server);
  const labels = { "wsproxy.dev/use": "true" };
  const login = (password: string): object => ({
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/basic-auth",
    metadata: { name: "valkey-login", namespace: "demo", labels },
    data: { password: btoa(password) },
  });
  const authority = (pem: string): object => ({
    apiVersion: "v1",
    kind: "Secret",
    type: "Opaque",
    metadata: { name: "valkey-ca", namespace: "demo" },
    data: { "ca.crt": btoa(pem) },
  });
  const [first, second] = [await keyPair(), await keyPair()].map(({ certificate }) => certificate);
  const store = { address: "valkey:6379", tls: { caSecretName: "valkey-ca" }, credentialsSecretName: "valkey-login" };
  bench.server.put(proxy("chat", { store }));
  bench.operator();
  const used = (): unknown => {
    const { resolved, credentials, tls } = config(bench)?.store ?? {};
    return [resolved, credentials?.password, tls?.ca];
  };
  await until("it is not found", () => bench.condition("ResolvedRefs") === "False SecretNotFound");
  expect(used()).toEqual([false, undefined, undefined]);
  bench.server.put(authority(first ?? "") as never);
  bench.server.put(login("of-the-store-1") as never);
  await until("both are found", () => bench.condition("ResolvedRefs") === "True ResolvedRefs");
  expect(used()).toEqual([true, "of-the-store-1", first]);
  bench.server.put(login("of-the-store-2") as never);
  bench.server.put(authority(second ?? "") as never);
  await until("both are in force", () => JSON.stringify(used()) === JSON.stringify([true, "of-the-store-2", second]));
  bench.server.delete("Secret", "demo", "valkey-login");
  await until("it is missed", () => bench.condition("ResolvedRefs") === "False SecretNotFound");
  expect(used()).toEqual([true, "of-the-store-2", second]);
  expect(shown(bench)).not.toMatch(/of-the-store|BEGIN/);
});

import assert from "node:assert/strict";
import type { V1EndpointSlice, V1Secret } from "@kubernetes/client-node";
import { USE_LABEL } from "../../../api/meta.ts";
import { KINDS, pathOf } from "../../../operator/kube/kinds.ts";
import { keyOf } from "../../fakes/api-keys.ts";
import type { Cluster } from "../cluster.ts";
import { scenario } from "../scenario.ts";
import { readProxy } from "../web-socket-proxy.ts";
import { apiKeys, byApiKey, sampleBackend } from "../workloads.ts";

const NAMESPACE = "long-names";
/** Kubernetes bounds the whole name of these, not its parts. */
const long = (start: string, length: number): string => start.padEnd(length, "x");
const KEYS = long("keys-", 80);
const LOGIN = `${long("login-", 70)}.of.${long("backend-", 70)}`;
const PROXY = `chat.${long("tenant-", 70)}.${long("example-", 40)}`;
/** The longest name of a Service. */
const SERVICE = long("service-", 63);
const SLICE = long("slice-", 100);
const MANUAL = "by-hand";

const route = (name: string, service: string, policies: object, more: object = {}): object => ({
  name,
  path: { value: `/${name}` },
  backends: [{ service, port: "ws", ...more }],
  policies,
});
const nothing = { authentication: { require: "None" } };

function spec(): object {
  return {
    gateway: { replicas: 1 },
    dataplane: { drain: { period: "2s" } },
    routes: [
      route("keyed", SERVICE, byApiKey),
      route("service", SERVICE, nothing),
      route("slice", MANUAL, nothing),
      { ...route("login", SERVICE, nothing, { basicAuthSecretName: LOGIN }), rewrite: { path: "/headers" } },
    ],
  };
}

export default scenario(
  "names as long as Kubernetes takes them work, and all conditions are True",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    await cluster.namespace(NAMESPACE);
    await cluster.apply(
      NAMESPACE,
      ...sampleBackend(SERVICE, 1),
      apiKeys(KEYS, ["alice"]),
      login("gateway", "of-the-backend"),
      { apiVersion: "v1", kind: "Service", metadata: { name: MANUAL }, spec: { ports: [{ name: "ws", port: 9000 }] } },
    );
    await cluster.rolledOut(NAMESPACE, SERVICE);
    await cluster.apply(NAMESPACE, await slice(cluster));

    const url = await report.step(
      `a proxy of ${PROXY.length} characters is Ready, and every reference is found`,
      async () => {
        // Its Service has another name: the status says which.
        await cluster.apply(NAMESPACE, {
          apiVersion: "wsproxy.dev/v1alpha1",
          kind: "WebSocketProxy",
          metadata: { name: PROXY },
          spec: spec(),
        });
        for (const type of ["Accepted", "ResolvedRefs", "Programmed", "Ready"])
          await cluster.condition(NAMESPACE, PROXY, type);
        const { status } = await readProxy(cluster, NAMESPACE, PROXY);
        const [service = ""] = (status?.address ?? "").split(".");
        report.figure("its Service", service);
        assert.ok(service.length <= 63);
        return `ws://${await cluster.address(NAMESPACE, service)}`;
      },
    );

    await report.step(`a Secret of ${KEYS.length} characters lets its client in`, async () => {
      const headers = { "x-api-key": keyOf("alice") };
      await (await ledger.open(`${url}/keyed`, { as: "alice", headers })).echo("hello");
      const others = { "x-api-key": keyOf("bob") };
      assert.equal(
        await ledger.dial(`${url}/keyed`, { as: "bob", headers: others }).refused(),
        "401 CredentialInvalid",
      );
    });

    await report.step(
      `a Service of ${SERVICE.length} characters is dialled, and an EndpointSlice of ${SLICE.length}`,
      async () => {
        const { items } = await cluster.api.request<{ items: V1EndpointSlice[] }>({
          path: pathOf(KINDS.EndpointSlice, NAMESPACE),
        });
        report.figure("names of EndpointSlices", items.map(({ metadata }) => metadata?.name?.length ?? 0).join(", "));
        for (const path of ["service", "slice"]) await (await ledger.open(`${url}/${path}`, { as: path })).echo(path);
      },
    );

    await report.step(`a login of ${LOGIN.length} characters gets to the backend, and follows its Secret`, async () => {
      const shown = async (): Promise<string> => {
        const session = await ledger.open(`${url}/login`, { as: "login", greetings: 1 });
        const headers = JSON.parse(await session.message()) as [string, string][];
        await session.close();
        const value = headers.find(([name]) => name.toLowerCase() === "authorization")?.[1] ?? "";
        return atob(value.replace(/^Basic /, ""));
      };
      assert.equal(await shown(), "gateway:of-the-backend");
      await cluster.apply(NAMESPACE, login("gateway", "another"));
      await cluster.until("the new one is shown", async () => (await shown()) === "gateway:another");
    });

    await report.step("each of them is missed, too: the condition names it", async () => {
      await cluster.kubectl("-n", NAMESPACE, "delete", "secret", LOGIN);
      await cluster.kubectl(
        "-n",
        NAMESPACE,
        "wait",
        "--for=condition=ResolvedRefs=False",
        `wsp/${PROXY}`,
        "--timeout=60s",
      );
      await cluster.apply(NAMESPACE, login("gateway", "another"));
      await cluster.condition(NAMESPACE, PROXY, "ResolvedRefs");
    });

    await report.step("a key that is taken out of the long Secret ends its session", async () => {
      const headers = { "x-api-key": keyOf("alice") };
      const session = await ledger.open(`${url}/keyed`, { as: "alice", headers });
      await cluster.kubectl("-n", NAMESPACE, "delete", "secret", KEYS);
      const { code, text } = await session.ended(60_000);
      assert.deepEqual([code, text], [3000, "CredentialRevoked"]);
    });
  },
);

function login(username: string, password: string): V1Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/basic-auth",
    metadata: { name: LOGIN, labels: { [USE_LABEL]: "true" } },
    stringData: { username, password },
  };
}

/** What a person, or a controller of another project, writes for a Service without a selector. */
async function slice(cluster: Cluster): Promise<V1EndpointSlice> {
  const pods = await cluster.pods(NAMESPACE, `app=${SERVICE}`);
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: SLICE, labels: { "kubernetes.io/service-name": MANUAL } },
    addressType: "IPv4",
    ports: [{ name: "ws", port: 9000, protocol: "TCP" }],
    endpoints: pods.map(({ status }) => ({ addresses: [status?.podIP ?? ""], conditions: { ready: true } })),
  };
}

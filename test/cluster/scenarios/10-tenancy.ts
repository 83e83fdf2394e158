import assert from "node:assert/strict";
import { gunzipSync } from "node:zlib";
import type { V1ConfigMap, V1Secret } from "@kubernetes/client-node";
import { PACKED } from "../../../api/meta.ts";
import type { WebSocketProxyStatus } from "../../../api/status.ts";
import { KINDS } from "../../../operator/kube/kinds.ts";
import { digestOf, keyOf } from "../../fakes/api-keys.ts";
import { SYSTEM, type Cluster } from "../cluster.ts";
import { dataplanePods, nameOf } from "../dataplane.ts";
import { seconds } from "../report.ts";
import { scenario } from "../scenario.ts";
import { proxyManifest, readProxy } from "../web-socket-proxy.ts";
import { sampleBackend } from "../workloads.ts";

const OPERATOR = `system:serviceaccount:${SYSTEM}:wsproxy-operator`;
const ONLY_B = "only-b";
const LABELS = { tenant: "b" };
const open = { authentication: { require: "None" } };

const own = {
  name: "own",
  path: { value: "/own" },
  backends: [{ service: "sample-backend", port: "ws" }],
  policies: open,
};

/** Routes that reach for what is the other's, each by its own way, and what is said of them. */
const REACHING = {
  "by-name": {
    route: { backends: [{ service: ONLY_B, port: "ws" }], policies: open },
    reason: "ServiceNotFound",
    answer: "503 NoEndpoints",
  },
  "by-domain-name": {
    route: { backends: [{ service: `${ONLY_B}.tenant-b`, port: "ws" }], policies: open },
    reason: "ServiceNotFound",
    answer: "503 NoEndpoints",
  },
  "by-external-name": {
    route: { backends: [{ service: "pointer", port: 9000 }], policies: open },
    reason: "ServiceUnsupported",
    answer: "503 NoEndpoints",
  },
  "by-selector": {
    route: {
      backends: own.backends,
      policies: { authentication: { apiKey: { secretSelector: { matchLabels: LABELS } } } },
    },
    reason: "ApiKeysNotFound",
    answer: "401 CredentialInvalid",
  },
  "by-secret-name": {
    route: { backends: [{ ...own.backends[0], basicAuthSecretName: ONLY_B }], policies: open },
    reason: "SecretNotFound",
    answer: "503 NoEndpoints",
  },
  "by-secret-without-permission": {
    route: { backends: [{ ...own.backends[0], basicAuthSecretName: "database" }], policies: open },
    reason: "SecretNotPermitted",
    answer: "503 NoEndpoints",
  },
} as const;

/** A webhook configuration belongs to no namespace. */
const WEBHOOK = {
  apiGroups: ["admissionregistration.k8s.io"],
  resourceNames: [`wsproxy-operator.${SYSTEM}`],
  resources: ["mutatingwebhookconfigurations"],
  verbs: ["get", "patch"],
};

export default scenario(
  "two tenants: neither can name what is the other's, and Roles are enough for one of them",
  async (cluster, report) => {
    const { ledger } = cluster;
    await cluster.install();
    const [a, b] = [await cluster.namespace("tenant-a"), await cluster.namespace("tenant-b")];
    await cluster.apply(b, ...sampleBackend(ONLY_B, 1), {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: ONLY_B, labels: LABELS },
      stringData: { bob: keyOf("bob") },
    });
    const database = {
      ...{ apiVersion: "v1", kind: "Secret", type: "kubernetes.io/basic-auth", metadata: { name: "database" } },
      stringData: { username: "root", password: "of-the-database" },
    };
    await cluster.apply(a, ...sampleBackend("sample-backend", 1), database, {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "pointer" },
      spec: { type: "ExternalName", externalName: `${ONLY_B}.${b}.svc.cluster.local`, ports: [{ port: 9000 }] },
    });
    await cluster.rolledOut(a, "sample-backend");
    await cluster.rolledOut(b, ONLY_B);
    const backends = [{ service: ONLY_B, port: "ws" }];
    const specOfB = (...more: readonly object[]): object => ({
      gateway: { replicas: 1 },
      routes: [{ ...own, backends }, ...more],
    });
    const specOfA = (...routes: readonly object[]): object => ({ gateway: { replicas: 1 }, routes: [own, ...routes] });

    const [urlOfA, urlOfB] = await report.step("each has a gateway of its own, in its own namespace", async () => {
      const urls = [await cluster.proxy(a, "gate", specOfA()), await cluster.proxy(b, "gate", specOfB())] as const;
      const ofA = await ledger.open(`${urls[0]}/own`, { as: "a" });
      const ofB = await ledger.open(`${urls[1]}/own`, { as: "b" });
      assert.match(ofA.entry.backend ?? "", /^sample-backend-/);
      assert.match(ofB.entry.backend ?? "", /^only-b-/);
      return urls;
    });

    await report.step("what names the other's Services and Secrets is told so, and reaches nothing", async () => {
      const reaching = Object.entries(REACHING).map(([name, { route }]) => ({
        name,
        path: { value: `/${name}` },
        ...route,
      }));
      await cluster.proxy(a, "gate", specOfA(...reaching));
      const { status } = await readProxy(cluster, a, "gate");
      assert.equal(conditionIn(status?.conditions, "ResolvedRefs")?.status, "False");
      for (const [name, { reason, answer }] of Object.entries(REACHING)) {
        const route = status?.routes?.find((one) => one.name === name);
        const resolved = conditionIn(route?.conditions, "ResolvedRefs");
        assert.deepEqual([name, resolved?.status, resolved?.reason], [name, "False", reason]);
        const headers = { "x-api-key": keyOf("bob") };
        assert.equal(await ledger.dial(`${urlOfA}/${name}`, { as: name, headers }).refused(), answer, name);
      }
      await (await ledger.open(`${urlOfA}/own`, { as: "a" })).echo("its own route works all the same");
    });

    await report.step("nothing of the other's is in what its gateway is given", async () => {
      const given = await renderedIn(cluster, a);
      assert.match(given, /"by-selector"/);
      const pods = await cluster.pods(b, `app=${ONLY_B}`);
      const addresses = pods.map(({ status }) => `"${status?.podIP}"`);
      for (const secret of [digestOf(keyOf("bob")), keyOf("bob"), ...addresses])
        assert.ok(!given.includes(secret), `${secret} is in the config of ${a}`);
      assert.ok((await renderedIn(cluster, b)).includes(addresses[0] ?? ""), "the test looks at the wrong thing");
    });

    await report.step("a reference with a namespace in it is refused by the API server", async () => {
      const route = { ...own, backends: [{ service: `${b}/${ONLY_B}`, port: "ws" }] };
      await assert.rejects(cluster.proxy(a, "other", { routes: [route] }), /spec\.routes\[0\]\.backends\[0\]\.service/);
      const named = { ...own, backends: [{ service: ONLY_B, namespace: b, port: "ws" }] };
      await assert.rejects(cluster.proxy(a, "other", { routes: [named] }), /namespace/);
    });

    await report.step(
      "watchNamespaces: Roles in one of them, no right in the cluster but on the webhook, and no word about the other",
      async () => {
        const started = Date.now();
        const generation = (await readProxy(cluster, b, "gate")).status?.observedGeneration;
        await cluster.install("--set", `watchNamespaces={${a}}`);
        const label = "app.kubernetes.io/name=wsproxy";
        const rules = "jsonpath={.items[*].rules}";
        const inCluster = await cluster.kubectl("get", "clusterroles", "-l", label, "-o", rules);
        assert.deepEqual(JSON.parse(inCluster), [WEBHOOK]);
        const may = { [a]: await permissions(cluster, a), [b]: await permissions(cluster, b) };
        assert.deepEqual(may, { [a]: { list: true, write: true }, [b]: { list: false, write: false } });
        // Both change. Once the operator has done what it does for one of them, it would have for the other, too.
        const marker = { ...own, name: "roles", path: { value: "/roles" } };
        await cluster.apply(
          b,
          proxyManifest("gate", specOfB({ ...marker, backends })),
          proxyManifest("new", specOfB()),
        );
        await cluster.proxy(a, "gate", specOfA(marker));
        await ledger.open(`${urlOfA}/roles`, { as: "a" });
        assert.equal((await readProxy(cluster, b, "gate")).status?.observedGeneration, generation);
        assert.equal((await readProxy(cluster, b, "new")).status, undefined);
        assert.deepEqual(await dataplanePods(cluster, b, "new"), []);
        assert.equal(await ledger.dial(`${urlOfB}/roles`, { as: "b" }).refused(), "404 RouteNotFound");
        report.figure("helm upgrade to Roles only, until a change is served", seconds(Date.now() - started));
      },
    );

    await report.step(
      "with both named, the operator manages the other again; no session was lost meanwhile",
      async () => {
        const pods = (await dataplanePods(cluster, b, "gate")).map(nameOf);
        await cluster.install("--set", `watchNamespaces={${a},${b}}`);
        await cluster.condition(b, "gate", "Programmed");
        await cluster.condition(b, "new", "Programmed");
        await ledger.open(`${urlOfB}/roles`, { as: "b" });
        assert.deepEqual((await dataplanePods(cluster, b, "gate")).map(nameOf), pods);
        assert.deepEqual(ledger.ended, []);
        const logs = await cluster.kubectl(
          "-n",
          SYSTEM,
          "logs",
          "-l",
          "app.kubernetes.io/component=operator",
          "--tail=-1",
        );
        assert.doesNotMatch(logs, /forbidden/i);
      },
    );
  },
);

function conditionIn(conditions: WebSocketProxyStatus["conditions"], type: string) {
  return conditions?.find((condition) => condition.type === type);
}

/** All that the gateway of a namespace is given, as text. */
async function renderedIn(cluster: Cluster, namespace: string): Promise<string> {
  const secret = await cluster.get<V1Secret>(KINDS.Secret, namespace, "wsproxy-gate-config-0");
  const endpoints = await cluster.get<V1ConfigMap>(KINDS.ConfigMap, namespace, "wsproxy-gate-endpoints");
  const texts = [secret?.data?.[PACKED.configPart(0)], endpoints?.binaryData?.[PACKED.endpoints]].map((packed = "") =>
    gunzipSync(Buffer.from(packed, "base64")).toString(),
  );
  return texts.join("\n");
}

/** What the operator may do with Secrets. */
async function permissions(cluster: Cluster, namespace: string): Promise<{ list: boolean; write: boolean }> {
  const may = async (verb: string): Promise<boolean> => {
    const body = {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: { user: OPERATOR, resourceAttributes: { namespace, verb, resource: "secrets" } },
    };
    const path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
    return (await cluster.api.request<{ status: { allowed: boolean } }>({ method: "POST", path, body })).status.allowed;
  };
  return { list: await may("list"), write: await may("patch") };
}

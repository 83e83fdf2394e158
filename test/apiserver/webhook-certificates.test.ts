import { KubeConfig } from "@kubernetes/client-node";
import { inject, onTestFinished, expect, test } from "vitest";
import { FIELD_MANAGER } from "../../operator/kube/field-manager.ts";
import type { Caller } from "../../operator/kube/call.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { WebhookCertificates } from "../../operator/admission/certificates/webhook-certificates.ts";
import { changeSecret } from "../../operator/admission/certificates/pairs-secret.ts";
import { writeBundle } from "../../operator/admission/certificates/webhook-configuration.ts";
import { authorities } from "../fakes/certificate-bench.ts";
import { recordedLog } from "../fakes/kube-bench.ts";
import { until } from "../fakes/sockets.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { clientOf, newNamespace, sharedClient } from "./bench.ts";

// The certificate's life before a real API server, with the rights of the chart and no more.

const { signal } = new AbortController();
const SECRET = "op-webhook";

interface Configuration extends KubeObject {
  readonly webhooks: readonly {
    readonly name: string;
    readonly failurePolicy: string;
    readonly timeoutSeconds: number;
    readonly clientConfig: { readonly caBundle?: string };
  }[];
}

/** A client that may do to Secret and configuration what the code needs, as a ServiceAccount of that namespace. */
async function narrowClient(admin: Caller, namespace: string, configuration: string): Promise<Caller> {
  const post = (path: string, body: object): Promise<unknown> => admin.request({ method: "POST", path, body });
  const rbac = "/apis/rbac.authorization.k8s.io/v1";
  const roleRef = (kind: string): object => ({ apiGroup: "rbac.authorization.k8s.io", kind, name: configuration });
  const subjects = [{ kind: "ServiceAccount", name: "op", namespace }];
  await post(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "op" } });
  await post(`${rbac}/namespaces/${namespace}/roles`, {
    metadata: { name: configuration },
    rules: [
      { apiGroups: [""], resources: ["secrets"], resourceNames: [SECRET], verbs: ["get", "patch"] },
      { apiGroups: [""], resources: ["secrets"], verbs: ["create"] },
    ],
  });
  await post(`${rbac}/namespaces/${namespace}/rolebindings`, {
    metadata: { name: configuration },
    roleRef: roleRef("Role"),
    subjects,
  });
  const resources = ["mutatingwebhookconfigurations"];
  await post(`${rbac}/clusterroles`, {
    metadata: { name: configuration },
    rules: [
      {
        apiGroups: ["admissionregistration.k8s.io"],
        resources,
        resourceNames: [configuration],
        verbs: ["get", "patch"],
      },
    ],
  });
  await post(`${rbac}/clusterrolebindings`, {
    metadata: { name: configuration },
    roleRef: roleRef("ClusterRole"),
    subjects,
  });
  const { status } = await admin.request<{ readonly status: { readonly token: string } }>({
    method: "POST",
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/op/token`,
    body: { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: {} },
  });
  const config = new KubeConfig();
  config.loadFromFile(inject("kubeconfig"));
  const [cluster] = config.clusters;
  if (cluster === undefined) throw new Error("the kubeconfig has no cluster");
  config.loadFromClusterAndUser(cluster, { name: "op", token: status.token });
  return clientOf(config);
}

/** The chart's, deleted after the test, since it would concern all namespaces. */
async function install(admin: Caller, namespace: string, name: string): Promise<void> {
  const path = pathOf(KINDS.MutatingWebhookConfiguration, undefined, name);
  await upgrade(admin, namespace, name);
  onTestFinished(async () => void (await admin.request({ method: "DELETE", path })));
}

/** Applies the chart's configuration as Helm does, each time. */
async function upgrade(admin: Caller, namespace: string, name: string): Promise<void> {
  const path = pathOf(KINDS.MutatingWebhookConfiguration, undefined, name);
  await admin.request({
    method: "PATCH",
    path,
    query: { fieldManager: "helm", force: true },
    contentType: "application/apply-patch+yaml",
    body: {
      apiVersion: KINDS.MutatingWebhookConfiguration.apiVersion,
      kind: "MutatingWebhookConfiguration",
      metadata: { name },
      webhooks: [
        webhook("before.example.com", namespace),
        webhook("inject.wsproxy.dev", namespace),
        webhook("behind.example.com", namespace),
      ],
    },
  });
}

function webhook(name: string, namespace: string): object {
  return {
    name,
    admissionReviewVersions: ["v1"],
    sideEffects: "None",
    failurePolicy: "Fail",
    timeoutSeconds: 5,
    objectSelector: { matchLabels: { "wsproxy.dev/inject": namespace } },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
    clientConfig: { service: { namespace, name: "op-webhook", path: "/inject" } },
  };
}

const bundleOf = ({ webhooks }: Configuration, name = "inject.wsproxy.dev"): string =>
  Buffer.from(webhooks.find((one) => one.name === name)?.clientConfig.caBundle ?? "", "base64").toString();

test("a certificate is issued, trusted, rotated and put back with the rights that the chart gives", async () => {
  const admin = sharedClient();
  const namespace = await newNamespace(admin);
  const name = `wsproxy-${namespace}`;
  await install(admin, namespace, name);
  const client = await narrowClient(admin, namespace, name);
  const read = (): Promise<Configuration> =>
    admin.request({ path: pathOf(KINDS.MutatingWebhookConfiguration, undefined, name) });
  const secretPath = pathOf(KINDS.Secret, namespace, SECRET);
  const secret = (): Promise<{ readonly type: string; readonly data: Readonly<Record<string, string>> }> =>
    admin.request({ path: secretPath });

  const { log, lines } = recordedLog();
  // Its waits of minutes are over in seconds.
  const clock = quickClock(300);
  const start = (leading: boolean): WebhookCertificates => {
    const abort = new AbortController();
    const names = { namespace, secret: SECRET, service: "op-webhook", configuration: name };
    const certificates = new WebhookCertificates({
      ...names,
      client,
      clock,
      log,
      source: "operator",
      leading: () => leading,
    });
    const running = certificates.run(abort.signal);
    onTestFinished(async () => {
      abort.abort();
      await running;
    });
    return certificates;
  };
  const [leader, other] = [start(true), start(false)];

  await until(
    "the first pair is promoted",
    async () => (await secret().catch(() => undefined))?.data["ca.crt"] !== undefined,
  );
  expect(await secret()).toMatchObject({ type: "kubernetes.io/tls" });
  expect(Object.keys((await secret()).data).toSorted()).toEqual(["ca.crt", "tls.crt", "tls.key"]);
  await until("both serve it", () => other.current !== undefined && other.current.cert === leader.current?.cert);

  const configuration = await read();
  expect(authorities(bundleOf(configuration))).toHaveLength(1);
  // The order of webhooks, their other fields and the other webhooks are the chart's.
  expect(configuration.webhooks.map((one) => one.name)).toEqual([
    "before.example.com",
    "inject.wsproxy.dev",
    "behind.example.com",
  ]);
  expect(configuration.webhooks[1]).toMatchObject({ failurePolicy: "Fail", timeoutSeconds: 5 });
  expect([bundleOf(configuration, "before.example.com"), bundleOf(configuration, "behind.example.com")]).toEqual([
    "",
    "",
  ]);
  const { managedFields } = configuration.metadata as {
    readonly managedFields?: readonly { readonly manager: string }[];
  };
  expect(managedFields?.find(({ manager }) => manager === FIELD_MANAGER)).toMatchObject({
    operation: "Apply",
    fieldsV1: {
      "f:webhooks": {
        'k:{"name":"inject.wsproxy.dev"}': { ".": {}, "f:clientConfig": { "f:caBundle": {} }, "f:name": {} },
      },
    },
  });

  // Helm does not name the bundle, and leaves it.
  const first = bundleOf(configuration);
  await upgrade(admin, namespace, name);
  expect(bundleOf(await read())).toBe(first);
  // Another writer takes it away.
  await admin.request({
    method: "PATCH",
    path: pathOf(KINDS.MutatingWebhookConfiguration, undefined, name),
    contentType: "application/json-patch+json",
    body: [{ op: "remove", path: "/webhooks/1/clientConfig/caBundle" }],
  });
  expect(bundleOf(await read())).not.toBe(first);
  await until("the bundle is put back", async () => bundleOf(await read()) === first);

  // A person deletes the Secret: a new pair, by way of both CAs.
  const before = leader.current?.cert;
  await admin.request({ method: "DELETE", path: secretPath });
  await until("both CAs are trusted", async () => authorities(bundleOf(await read())).length === 2);
  await until(
    "both serve the new pair",
    () => leader.current?.cert !== before && other.current?.cert === leader.current?.cert,
  );
  await until("the old CA is dropped", async () => authorities(bundleOf(await read())).length === 1);
  // One, of the bundle that another writer took away.
  expect(lines.filter((line) => line.startsWith("warn"))).toEqual(["warn webhook certificate: looking again"]);
  expect(leader.troubles).toEqual([]);
});

test("a bundle is never written over another version, nor into a configuration that is gone", async () => {
  const admin = sharedClient();
  const namespace = await newNamespace(admin);
  const name = `wsproxy-${namespace}`;
  await install(admin, namespace, name);
  const client = await narrowClient(admin, namespace, name);
  await expect(writeBundle(client, name, "", "1", signal)).rejects.toMatchObject({ status: 409 });
  // No right to make one: the apply of what is gone is refused.
  await expect(writeBundle(client, `${name}-gone`, "", undefined, signal)).rejects.toMatchObject({ status: 403 });
});

test("a Secret changes only as the version that was read", async () => {
  const admin = sharedClient();
  const namespace = await newNamespace(admin);
  await admin.request({
    method: "POST",
    path: pathOf(KINDS.Secret, namespace),
    body: { metadata: { name: SECRET }, type: "kubernetes.io/tls", data: { "tls.crt": "", "tls.key": "" } },
  });
  const stale = { metadata: { namespace, name: SECRET, resourceVersion: "1" } };
  await expect(changeSecret(admin, stale, { "tls.crt": "eA==" }, signal)).rejects.toMatchObject({ status: 409 });
});

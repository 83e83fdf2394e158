import type { V1Container, V1Deployment, V1EndpointSlice, V1Service } from "@kubernetes/client-node";
import { USE_LABEL } from "../../api/meta.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { keyOf } from "../fakes/api-keys.ts";
import type { Cluster } from "./cluster.ts";
import { IMAGE } from "./image.ts";

/** What Pod Security *restricted* asks of a container, and a root file system that is read-only. */
export const restricted = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/** Plain values of it can be spread. */
type Container = { [K in keyof V1Container]: V1Container[K] };

/** A container of our image with these arguments. */
export function ours(name: string, port: number, ...args: readonly string[]): Container {
  return {
    name,
    image: IMAGE,
    imagePullPolicy: "IfNotPresent",
    args: [...args],
    ports: [{ name: "ws", containerPort: port }],
    resources: { requests: { cpu: "10m", memory: "32Mi" } },
    securityContext: restricted,
  };
}

/** The sample backend as users would run it: pods behind a Service, `port` 9000. */
export function sampleBackend(name = "sample-backend", replicas = 3): [V1Deployment, V1Service] {
  const labels = { app: name };
  const container: Container = {
    ...ours("backend", 9000, "sample-backend", "--address", "0.0.0.0"),
    readinessProbe: { httpGet: { path: "/", port: "ws" }, periodSeconds: 1 },
  };
  return [
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name, labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [container], automountServiceAccountToken: false, terminationGracePeriodSeconds: 10 },
        },
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, labels },
      spec: { selector: labels, ports: [{ name: "ws", port: 9000, targetPort: "ws" }] },
    },
  ];
}

const KEYS = { "wsproxy.dev/api-keys": "e2e" };

/** API keys of these clients in one Secret, each its `keyOf`, where `byApiKey` looks for them. */
export function apiKeys(name: string, clients: readonly string[]): object {
  const data = Object.fromEntries(clients.map((client) => [client, btoa(keyOf(client))]));
  return { apiVersion: "v1", kind: "Secret", metadata: { name, labels: KEYS }, data };
}

/** Admits a client with one of the API keys. */
export const byApiKey = { authentication: { apiKey: { secretSelector: { matchLabels: KEYS } } } };

/** A certificate with its key as a listener and a backend take them, and a gateway that shows it to a backend. */
export function tlsSecret(name: string, pair: { readonly certificate: string; readonly privateKey: string }): object {
  const data = { "tls.crt": btoa(pair.certificate), "tls.key": btoa(pair.privateKey) };
  return {
    apiVersion: "v1",
    kind: "Secret",
    type: "kubernetes.io/tls",
    metadata: { name, labels: { [USE_LABEL]: "true" } },
    data,
  };
}

/** One pod behind a Service, at least, is said to be ready. */
export async function hasReadyEndpoint({ api }: Cluster, namespace: string, service: string): Promise<boolean> {
  const query = { labelSelector: `kubernetes.io/service-name=${service}` };
  const path = pathOf(KINDS.EndpointSlice, namespace);
  const { items } = await api.request<{ items: V1EndpointSlice[] }>({ path, query });
  return items.some(({ endpoints }) => endpoints?.some(({ conditions }) => conditions?.ready === true));
}

/**
 * Resolves when the controller of EndpointSlices sees what it writes. It watches them anew a minute or two after the API
 * server was away. Of a Service that changes before, it gives up after some tries, and leaves its slices as they are.
 */
export async function slicesFollow(cluster: Cluster, namespace: string): Promise<void> {
  const name = "canary";
  const path = pathOf(KINDS.EndpointSlice, namespace);
  const query = { labelSelector: `kubernetes.io/service-name=${name}` };
  const service = { apiVersion: "v1", kind: "Service", metadata: { name, namespace } };
  await cluster.apply(namespace, { ...service, spec: { selector: { app: "sample-backend" }, ports: [{ port: 80 }] } });
  let round = 0;
  let labelled = 0;
  let first: string | undefined;
  // Labels of a Service are copied to its slices: a second one only where the slice that has the first was seen.
  await cluster.until("slices follow their Service", async () => {
    if (Date.now() - labelled > 2000) {
      labelled = Date.now();
      round += 1;
      await cluster.kubectl("-n", namespace, "label", "--overwrite", `service/${name}`, `round=${round}`);
    }
    const { items } = await cluster.api.request<{ items: V1EndpointSlice[] }>({ path, query });
    const copied = items[0]?.metadata?.labels?.["round"];
    first ??= copied;
    return copied !== first;
  });
  await cluster.kubectl("-n", namespace, "delete", `service/${name}`);
}

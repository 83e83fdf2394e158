import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { Authority } from "./certificates.ts";
import { eventually } from "./operator-bench.ts";
import { podOf, SECURITY, type Pod } from "./webhook-pods.ts";
import type { WebhookPlane } from "./webhook-plane.ts";

interface Review {
  readonly request: { readonly uid: string; readonly object: Pod };
}

/**
 * Another webhook of the cluster, which adds a container to the pods of a namespace, until the test ends. Webhooks run in
 * the order of their configurations' names. Resolves when it is in force.
 */
export async function addingWebhook(plane: WebhookPlane, namespace: string, configuration: string, container: string) {
  const authority = await Authority.make();
  const { certificate: cert, privateKey: key } = await authority.server();
  const server = createServer({ cert, key }, (request, response) => {
    void text(request).then((body) => response.end(JSON.stringify(answer(JSON.parse(body) as Review, container))));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { client } = plane;
  const path = pathOf(KINDS.MutatingWebhookConfiguration, undefined, configuration);
  onTestFinished(async () => {
    await client.request({ method: "DELETE", path });
    server.close().closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  const caBundle = Buffer.from(authority.certificate).toString("base64");
  const webhook = {
    name: "adds.example.com",
    admissionReviewVersions: ["v1"],
    clientConfig: { url: `https://127.0.0.1:${port}/`, caBundle },
    sideEffects: "None",
    reinvocationPolicy: "IfNeeded",
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], resources: ["pods"], operations: ["CREATE"] }],
  };
  await client.request({
    method: "POST",
    path: pathOf(KINDS.MutatingWebhookConfiguration),
    body: { metadata: { name: configuration }, webhooks: [webhook] },
  });
  await eventually("the other webhook is in force", async () => {
    const pod = await plane.create(namespace, podOf({ name: "probe", labels: {} }), { dryRun: "All" });
    return pod.spec.containers.some(({ name }) => name === container);
  });
}

function answer({ request: { uid, object } }: Review, name: string): object {
  const isThere = object.spec.containers.some((one) => one.name === name);
  const value = { name, image: "registry.example/added:1", securityContext: SECURITY };
  const patch = Buffer.from(JSON.stringify([{ op: "add", path: "/spec/containers/-", value }])).toString("base64");
  const response = { uid, allowed: true, ...(isThere ? {} : { patchType: "JSONPatch", patch }) };
  return { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
}

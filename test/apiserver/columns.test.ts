import { expect, test } from "vitest";
import type { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf, type KindName, type KubeObject } from "../../operator/kube/kinds.ts";
import { keys, proxy, service, slice } from "../fakes/operator-bench.ts";
import { create, destroy, newNamespace, sharedClient, tableRow } from "./bench.ts";
import { installCrd } from "./crd.ts";
import { eventually, startOperator } from "./operator-bench.ts";

/** What kubectl shows of `chat` while an operator works in a namespace of a real API server. */
async function bench(spec: Record<string, unknown> = {}) {
  const client = sharedClient();
  await installCrd(client);
  const namespace = await newNamespace(client);
  const make = (object: object): Promise<unknown> => {
    const { kind, metadata, ...rest } = object as KubeObject;
    const { name, labels = {} } = metadata;
    return create(client, kind as KindName, namespace, name, { ...rest, metadata: { name, namespace, labels } });
  };
  for (const object of [service(), keys({ alice: "alices-own-key-0001" }), proxy("chat", spec)]) await make(object);
  const shows = (wanted: Readonly<Record<string, unknown>>): Promise<void> =>
    eventually(`it shows ${JSON.stringify(wanted)}`, async () => {
      const row = await tableRow(client, namespace, "chat");
      return Object.entries(wanted).every(([column, cell]) => row[column] === cell);
    });
  return { client, namespace, make, shows, row: () => tableRow(client, namespace, "chat") };
}

async function merge(client: KubeClient, path: string, body: object): Promise<void> {
  await client.request({ method: "PATCH", path, contentType: "application/merge-patch+json", body });
}

test("the address follows the Service: pending, the load balancer's, another port, the cluster's", async () => {
  const { client, namespace, shows, row } = await bench({ gateway: { service: { type: "LoadBalancer" } } });
  startOperator(client, [namespace], 1);
  await shows({ Address: "<pending>", Generation: 1, Observed: 1 });
  const ours = pathOf(KINDS.Service, namespace, "wsproxy-chat");
  const edit = (gateway: object): Promise<void> =>
    merge(client, pathOf(KINDS.WebSocketProxy, namespace, "chat"), { spec: { gateway } });
  await merge(client, `${ours}/status`, {
    status: { loadBalancer: { ingress: [{ ip: "2001:db8::1", ipMode: "VIP" }] } },
  });
  await shows({ Address: "[2001:db8::1]:80" });
  await edit({ service: { port: 8443 } });
  await shows({ Address: "[2001:db8::1]:8443", Observed: 2 });
  await edit({ service: { type: "NodePort" } });
  await shows({ Address: `wsproxy-chat.${namespace}.svc:8443`, Observed: 3 });
  expect(await row()).toMatchObject({ Generation: 3, Replicas: 0, Ready: "False" });
});

test("a backend counts as ready with its first ready endpoint, and ResolvedRefs says what is missing", async () => {
  const [route] = (proxy()["spec"] as { routes: object[] }).routes;
  const backends = ["echo", "nowhere"].map((name) => ({ service: name, port: 80 }));
  const { client, namespace, make, shows, row } = await bench({ routes: [{ ...route, backends }] });
  startOperator(client, [namespace], 1);
  await shows({ Backends: "0/2", ResolvedRefs: "ServiceNotFound", Routes: "1/1" });
  await make(slice(["10.0.0.1"]));
  await shows({ Backends: "1/2" });
  await make(service("nowhere"));
  await shows({ Backends: "1/2", ResolvedRefs: "ResolvedRefs" });
  await destroy(client, "EndpointSlice", namespace, "echo-1");
  await shows({ Backends: "0/2" });
  expect(await row()).toMatchObject({ ResolvedRefs: "ResolvedRefs", Routes: "1/1" });
});

test("a Service of another owner with the gateway's name gives it no address", async () => {
  const { client, namespace, make, shows, row } = await bench();
  await make(service("wsproxy-chat"));
  startOperator(client, [namespace], 1);
  await shows({ Address: null, Programmed: "NotApplied", Observed: 1 });
  await destroy(client, "Service", namespace, "wsproxy-chat");
  await shows({ Address: `wsproxy-chat.${namespace}.svc:80` });
  expect(await row()).toMatchObject({ Generation: 1, Observed: 1 });
});

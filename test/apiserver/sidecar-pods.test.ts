import { expect, test } from "vitest";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { create, destroy, newNamespace, read, sharedClient } from "./bench.ts";
import { installCrd } from "./crd.ts";
import { conditionOf, eventually, startOperator, type Proxy } from "./operator-bench.ts";
import { proxy } from "../fakes/operator-bench.ts";

const SPEC = {
  ...(proxy("chat", {
    mode: "Sidecar",
    gateway: undefined,
    sidecar: { selector: { matchLabels: { app: "shop" } } },
    routes: [{ name: "main", backends: [{ port: 3000 }], policies: { authentication: { require: "None" } } }],
  })["spec"] as object),
};

test("a proxy of mode Sidecar is programmed without pods, nudges injected pods until and after its end, and cannot be scaled", async () => {
  const client = sharedClient();
  await installCrd(client);
  const namespace = await newNamespace(client);
  await create(client, "ServiceAccount", namespace, "default", {}).catch(() => {});
  await create(client, "WebSocketProxy", namespace, "chat", { spec: SPEC });
  startOperator(client, [namespace], 1);
  const chat = (): Promise<Proxy> => read<Proxy>(client, "WebSocketProxy", namespace, "chat");
  await eventually("it is programmed", async () => conditionOf(await chat(), "Programmed") === "True Programmed");
  expect(conditionOf(await chat(), "Ready")).toBe("False NoReadyPods");
  expect((await chat()).status?.dataplane).toMatchObject({
    replicas: 0,
    outdated: 0,
    selector: "wsproxy.dev/injected=wsproxy-chat",
  });

  const path = pathOf(KINDS.WebSocketProxy, namespace, "chat");
  const scale = client.request({
    method: "PATCH",
    path: `${path}/scale`,
    contentType: "application/merge-patch+json",
    body: { spec: { replicas: 5 } },
  });
  await expect(scale).rejects.toThrow("goes with mode Gateway only");
  expect((await chat()).spec).not.toHaveProperty("gateway");

  const ports = [{ name: "wsproxy-admin", containerPort: 9191 }];
  await create(client, "Pod", namespace, "shop-1", {
    metadata: { labels: { app: "shop", "wsproxy.dev/inject": "chat", "wsproxy.dev/injected": "wsproxy-chat" } },
    spec: {
      automountServiceAccountToken: false,
      initContainers: [{ name: "wsproxy", image: "none.example/none", restartPolicy: "Always", ports }],
      containers: [{ name: "app", image: "none.example/none" }],
    },
  });
  await client.request({
    method: "PATCH",
    path: `${pathOf(KINDS.Pod, namespace, "shop-1")}/status`,
    contentType: "application/merge-patch+json",
    body: {
      status: {
        phase: "Running",
        podIP: "127.0.0.1",
        podIPs: [{ ip: "127.0.0.1" }],
        conditions: [{ type: "Ready", status: "True" }],
      },
    },
  });
  const nudge = async (): Promise<string> =>
    (await read<KubeObject>(client, "Pod", namespace, "shop-1")).metadata.annotations?.["wsproxy.dev/config"] ?? "";
  await eventually("it is ready", async () => conditionOf(await chat(), "Ready") === "True Ready");
  await eventually("the pod, which does not answer, is nudged", async () => (await nudge()) !== "");
  expect((await chat()).status?.dataplane).toMatchObject({ replicas: 1, readyReplicas: 1, outdated: 1 });
  // There is no number to read or to write: the pods are those of other owners.
  await expect(client.request({ path: `${path}/scale` })).rejects.toThrow("does not exist");

  await destroy(client, "WebSocketProxy", namespace, "chat");
  for (const name of ["wsproxy-chat-config-0", "wsproxy-chat-admin"]) {
    await destroy(client, "Secret", namespace, name).catch(() => {});
  }
  await destroy(client, "ConfigMap", namespace, "wsproxy-chat-endpoints").catch(() => {});
  await eventually("the pod is nudged for its end", async () => (await nudge()).startsWith("gone-gone"));
});

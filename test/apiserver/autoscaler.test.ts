import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemClock } from "../../runtime/clock.ts";
import { ControlPlane } from "./control-plane.ts";
import { eventually } from "./operator-bench.ts";
import { ScaledProxy } from "./scaled-proxy.ts";

// Kubernetes' own autoscaler. Without metrics it still scales up to minReplicas, which is enough to see whose number counts.

let plane: ControlPlane;
let client: KubeClient;

beforeAll(async () => {
  plane = await ControlPlane.start({ controllerManager: true });
  client = new KubeClient(await plane.config(), systemClock);
});
afterAll(async () => {
  client.close();
  await plane.stop();
});

const DEPLOYMENT = { apiVersion: "apps/v1", kind: "Deployment", name: "wsproxy-chat" };
const PROXY = { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", name: "chat" };

interface Autoscaler {
  readonly status?: { readonly conditions?: readonly { readonly reason: string; readonly message: string }[] };
}

/** An operator, a proxy with this `gateway`, and an autoscaler of at least four pods. */
async function autoscaled(target: object, gateway: object): Promise<ScaledProxy> {
  const it = await ScaledProxy.make(client);
  it.operator();
  await it.spec(gateway);
  await it.has((gateway as { replicas?: number }).replicas ?? 2);
  const metrics = [
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 60 } } },
  ];
  const spec = { scaleTargetRef: target, minReplicas: 4, maxReplicas: 9, metrics };
  const path = `/apis/autoscaling/v2/namespaces/${it.namespace}/horizontalpodautoscalers`;
  const body = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "chat" }, spec };
  await client.request({ method: "POST", path, body });
  return it;
}

async function reasons({ namespace }: ScaledProxy): Promise<string> {
  const path = `/apis/autoscaling/v2/namespaces/${namespace}/horizontalpodautoscalers/chat`;
  const { status } = await client.request<Autoscaler>({ path });
  return (status?.conditions ?? []).map(({ reason, message }) => `${reason}: ${message}`).join("; ");
}

describe("an autoscaler", () => {
  test("on the Deployment sets the number where the spec has none, and it stays through an edit", async () => {
    const it = await autoscaled(DEPLOYMENT, {});
    await eventually("it has scaled", async () => (await it.deployment()).spec.replicas === 4, 90_000);
    await it.spec({ pod: { annotations: { a: "b" } } });
    await eventually("the edit is written", async () => JSON.stringify(await it.deployment()).includes('"a":"b"'));
    expect(await it.owned()).toBe("4: kube-controller-manager/scale");
  }, 150_000);

  test("on the WebSocketProxy needs a start number, and then writes the spec", async () => {
    const it = await autoscaled(PROXY, {});
    const words = 'the spec replicas field ".spec.gateway.replicas" does not exist';
    await eventually("it cannot read the number", async () => (await reasons(it)).includes(words), 120_000);
    expect(await reasons(it)).toContain("FailedGetScale");
    const body = { spec: { replicas: 2 } };
    const path = `/apis/wsproxy.dev/v1alpha1/namespaces/${it.namespace}/websocketproxies/chat/scale`;
    await client.request({ method: "PATCH", path, contentType: "application/merge-patch+json", body });
    await eventually("it has scaled", async () => (await it.deployment()).spec.replicas === 4, 90_000);
    expect((await it.proxy()).spec["gateway"]).toMatchObject({ replicas: 4 });
    expect(await it.message("Programmed")).not.toContain("Another writer");
  }, 240_000);

  test("on the Deployment against a fixed number is named in the status", async () => {
    const it = await autoscaled(DEPLOYMENT, { replicas: 3 });
    const words = "kube-controller-manager (subresource scale). Remove spec.gateway.replicas";
    await eventually("the status names it", async () => (await it.message("Programmed")).includes(words), 180_000);
    await it.has(3);
    expect(await it.owned()).toMatch(/^3: wsproxy-operator-replicas$/);
  }, 240_000);
});

import { expect, test } from "vitest";
import { gateway } from "../../api/pods.ts";
import { packer } from "../../operator/platform/packer.ts";
import { apply, type Applicable } from "../../operator/kube/apply.ts";
import type { Caller } from "../../operator/kube/call.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { unchanged } from "../../operator/kube/unchanged.ts";
import { scopeOf } from "../../operator/render/scope.ts";
import { service } from "../../operator/render/service.ts";
import { newNamespace, read, sharedClient } from "./bench.ts";

const { signal } = new AbortController();

/** As users write it: type, then the fields that go with it. */
const SETTINGS = {
  "in the cluster": {},
  "a node port": { type: "NodePort" },
  "a node port that shows clients": { type: "NodePort", externalTrafficPolicy: "Local" },
  "a load balancer": { type: "LoadBalancer" },
  "a load balancer that hides clients": { type: "LoadBalancer", externalTrafficPolicy: "Cluster" },
  "a load balancer for some": {
    type: "LoadBalancer",
    loadBalancerSourceRanges: ["192.0.2.0/24", "192.0.2.1", "2001:DB8::1", "2001:db8::/32"],
  },
} as const;

type Live = KubeObject & { readonly spec: Readonly<Record<string, unknown>> };

function manifest(namespace: string, settings: object, port = 80): Applicable {
  const owner = { namespace, name: "chat", uid: "00000000-0000-4000-8000-000000000000" };
  const infra = {
    mode: "Gateway",
    gateway: gateway.parse({ service: settings }),
    sidecar: undefined,
    resources: {},
    listenerPort: 8080,
    servicePort: port,
    drainPeriod: "30s",
  } as const;
  return service(infra, port === 443, scopeOf(owner, packer.hash));
}

async function applied(client: Caller, wanted: Applicable): Promise<Live> {
  await apply(client, wanted, signal);
  return read<Live>(client, "Service", wanted.metadata.namespace ?? "", wanted.metadata.name);
}

test.each(Object.keys(SETTINGS) as (keyof typeof SETTINGS)[])(
  "a Service that was %s becomes each other one, and nothing of it is left",
  async (from) => {
    const client = sharedClient();
    for (const [to, settings] of Object.entries(SETTINGS)) {
      const namespace = await newNamespace(client);
      await applied(client, manifest(namespace, SETTINGS[from]));
      const wanted = manifest(namespace, settings, 443);
      const live = await applied(client, wanted);
      expect({ to, is: unchanged(wanted, live) }).toEqual({ to, is: true });
      const { spec } = wanted as Live;
      const types: unknown[] = spec["type"] === "ClusterIP" ? [] : [spec["externalTrafficPolicy"]];
      expect([live.spec["externalTrafficPolicy"]].filter(Boolean)).toEqual(types);
      expect(live.spec["loadBalancerSourceRanges"]).toEqual(spec["loadBalancerSourceRanges"]);
      const checked = spec["type"] === "LoadBalancer" && spec["externalTrafficPolicy"] === "Local";
      expect({ to, checked: live.spec["healthCheckNodePort"] !== undefined }).toEqual({ to, checked });
      const [port] = live.spec["ports"] as readonly { readonly nodePort?: number }[];
      expect({ to, open: port?.nodePort !== undefined }).toEqual({ to, open: spec["type"] !== "ClusterIP" });
      const again = await applied(client, wanted);
      expect(again.metadata.resourceVersion).toBe(live.metadata.resourceVersion);
    }
  },
);

test("the class of a load balancer goes with its type, and cannot change while that stays", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const of = (loadBalancerClass: string) => manifest(namespace, { type: "LoadBalancer", loadBalancerClass });
  await applied(client, of("example.com/one"));
  for (const other of ["example.com/two", ""]) {
    await expect(applied(client, of(other))).rejects.toMatchObject({
      status: 422,
      words: expect.stringContaining("may not change once set") as string,
    });
  }
  const bare = await newNamespace(client);
  await applied(client, manifest(bare, { type: "LoadBalancer" }));
  await expect(
    applied(client, manifest(bare, { type: "LoadBalancer", loadBalancerClass: "example.com/one" })),
  ).rejects.toMatchObject({ status: 422, words: expect.stringContaining("may not change once set") as string });
  const inside = await applied(client, manifest(namespace, {}));
  expect(inside.spec).not.toHaveProperty("loadBalancerClass");
  expect((await applied(client, of("example.com/two"))).spec["loadBalancerClass"]).toBe("example.com/two");
});

test("a type and a policy that another client wrote go with the next apply", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  await applied(client, manifest(namespace, {}));
  await client.request({
    method: "PATCH",
    path: pathOf(KINDS.Service, namespace, "wsproxy-chat"),
    query: { fieldManager: "kubectl-patch" },
    contentType: "application/merge-patch+json",
    body: { spec: { type: "LoadBalancer", externalTrafficPolicy: "Local", loadBalancerClass: "example.com/theirs" } },
  });
  const { spec } = await applied(client, manifest(namespace, {}));
  expect(spec["type"]).toBe("ClusterIP");
  expect(Object.keys(spec)).not.toContain("externalTrafficPolicy");
  expect(Object.keys(spec)).not.toContain("loadBalancerClass");
});

test("a source range with bits beyond its prefix is refused by name", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const ranges = manifest(namespace, { type: "LoadBalancer", loadBalancerSourceRanges: ["10.0.0.1/8"] });
  await expect(applied(client, ranges)).rejects.toMatchObject({
    status: 422,
    words: expect.stringContaining('"10.0.0.1/8": must not have bits set beyond the prefix length') as string,
  });
});

test("a load balancer that an earlier version made gets the new default in place", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const now = manifest(namespace, { type: "LoadBalancer" });
  const spec = { ...(now as Live).spec, externalTrafficPolicy: undefined };
  const before = await applied(client, { ...now, spec } as Applicable);
  expect(before.spec["externalTrafficPolicy"]).toBe("Cluster");
  const after = await applied(client, now);
  expect(after.spec["externalTrafficPolicy"]).toBe("Local");
  expect(after.metadata.uid).toBe(before.metadata.uid);
  expect(after.spec["clusterIP"]).toBe(before.spec["clusterIP"]);
});

import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { LARGEST_WRITTEN } from "../../api/meta.ts";
import { configOf, endpointsOf, type ConfigParts } from "../../test/fakes/config.ts";
import { gateway } from "../../api/pods.ts";
import { ADMIN_TOKEN as adminToken, SETTINGS } from "../../test/fakes/golden-case.ts";
import { withKeys } from "../../test/fakes/api-keys.ts";
import { packer } from "../platform/packer.ts";
import { finished } from "../translate/steps.ts";
import type { Infra } from "../translate/translation.ts";
import type { Manifest } from "./manifest.ts";
import type { Packer } from "./packer.ts";
import { render, type Rendered } from "./render.ts";

const OWNER = { namespace: "test", name: "proxy", uid: "uid-1" };

type Shape = Omit<Partial<Infra>, "gateway"> & { readonly gateway?: Parameters<typeof gateway.parse>[0] };

function infraOf({ gateway: pods = {}, ...more }: Shape = {}): Infra {
  return {
    mode: "Gateway",
    gateway: gateway.parse(pods),
    sidecar: undefined,
    resources: {},
    listenerPort: 8080,
    servicePort: 80,
    drainPeriod: "30s",
    ...more,
  };
}

function rendered(parts: ConfigParts = {}, infra: Infra | undefined = infraOf(), use: Packer = packer): Rendered {
  return render(OWNER, { config: configOf(parts), endpoints: endpointsOf([8080]), infra, adminToken }, SETTINGS, use);
}

const names = ({ manifests }: Rendered): string[] => manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
const object = ({ manifests }: Rendered, kind: string): Manifest & Record<string, unknown> =>
  manifests.find((it) => it.kind === kind) as Manifest & Record<string, unknown>;
const template = (it: Rendered): unknown => (object(it, "Deployment")["spec"] as Record<string, unknown>)["template"];

const DATA = ["Secret wsproxy-proxy-config-0", "Secret wsproxy-proxy-admin", "ConfigMap wsproxy-proxy-endpoints"];

test("a gateway gets all its objects, the config first, then what pods need, and the proxy owns each", () => {
  const it = rendered();
  expect(names(it)).toEqual([
    "Secret wsproxy-proxy-config-0",
    "Secret wsproxy-proxy-admin",
    "ConfigMap wsproxy-proxy-endpoints",
    "ServiceAccount wsproxy-proxy",
    "NetworkPolicy wsproxy-proxy",
    "PodDisruptionBudget wsproxy-proxy",
    "Deployment wsproxy-proxy",
    "Service wsproxy-proxy",
  ]);
  expect([...it.prunable].sort()).toEqual([...new Set(it.manifests.map(({ kind }) => kind))].sort());
  for (const { metadata } of it.manifests) {
    expect(metadata.namespace).toBe("test");
    expect(metadata.ownerReferences).toEqual([
      {
        apiVersion: "wsproxy.dev/v1alpha1",
        kind: "WebSocketProxy",
        name: "proxy",
        uid: "uid-1",
        controller: true,
        blockOwnerDeletion: true,
      },
    ]);
  }
});

test("without a config nothing is written, and nothing is deleted", () => {
  const it = render(
    OWNER,
    { config: undefined, endpoints: endpointsOf([]), infra: undefined, adminToken },
    SETTINGS,
    packer,
  );
  expect(it).toEqual({ manifests: [], prunable: [], serving: undefined, problem: undefined });
});

test("where the spec is not accepted the config is written, and the pods stay as they are", () => {
  const it = render(
    OWNER,
    { config: configOf(), endpoints: endpointsOf([]), infra: undefined, adminToken },
    SETTINGS,
    packer,
  );
  expect(names(it)).toEqual(DATA);
  expect(it.prunable).toEqual(["Secret", "ConfigMap"]);
});

test("a proxy for which no pods are rendered keeps the pods that serve", () => {
  const it = rendered({}, { ...infraOf(), mode: "Sidecar", gateway: undefined, servicePort: undefined });
  expect(names(it)).toEqual(DATA);
  expect(it.prunable).toEqual(["Secret", "ConfigMap"]);
});

test("the admin token is in the pods' config folder, in a Secret of its own; a pod starts without it", () => {
  const it = rendered();
  const secret = it.manifests.find(({ metadata }) => metadata.name === "wsproxy-proxy-admin");
  expect(secret).toMatchObject({ type: "Opaque", data: { token: Buffer.from(adminToken).toString("base64") } });
  expect(JSON.stringify(template(it))).toContain(
    '{"secret":{"items":[{"key":"token","path":"admin-token"}],"name":"wsproxy-proxy-admin","optional":true}}',
  );
  const others = it.manifests.filter((one) => one !== secret);
  expect(JSON.stringify(others)).not.toContain(adminToken);
});

test("if the admin token cannot be read no Secret is deleted, and the pods have the same shape", () => {
  const parts = { config: configOf(), endpoints: endpointsOf([8080]), infra: infraOf(), adminToken: undefined };
  const it = render(OWNER, parts, SETTINGS, packer);
  expect(names(it)).not.toContain("Secret wsproxy-proxy-admin");
  expect(it.prunable).not.toContain("Secret");
  expect(template(it)).toEqual(template(rendered()));
});

test("no change of config, keys, endpoints or certificates changes the pod template", () => {
  const before = template(rendered());
  const keyPair = { certificate: "certificate", privateKey: "key" };
  const changes: ConfigParts[] = [
    { generation: 2 },
    { tls: { keyPair } },
    { maxConnections: 5 },
    { trustedProxies: ["10.0.0.0/8"] },
    { access: "None" },
    { routes: [{ policies: withKeys(["alice"]) }, { name: "more", backends: [{ endpoints: "other:1", weight: 2 }] }] },
  ];
  const hashes = changes.map((change) => {
    const after = rendered(change);
    expect(template(after)).toEqual(before);
    return after.serving?.hash;
  });
  expect(new Set([...hashes, rendered().serving?.hash]).size).toBe(changes.length + 1);

  const moved = render(
    OWNER,
    { config: configOf(), endpoints: endpointsOf([1, 2]), infra: infraOf(), adminToken },
    SETTINGS,
    packer,
  );
  expect(template(moved)).toEqual(before);
  expect(moved.serving?.hash).toBe(rendered().serving?.hash);
  expect(moved.serving?.endpointsHash).not.toBe(rendered().serving?.endpointsHash);
  expect(template(rendered({}, infraOf({ gateway: { replicas: 7, service: { type: "NodePort" } } })))).toEqual(before);
});

test.each([
  [{}, "PreferDualStack"],
  [{ type: "NodePort" }, "SingleStack"],
  [{ type: "LoadBalancer" }, "SingleStack"],
  [{ type: "LoadBalancer", ipFamilyPolicy: "PreferDualStack" }, "PreferDualStack"],
  [{ ipFamilyPolicy: "SingleStack" }, "SingleStack"],
])("a Service that is asked for as %j has the policy %s", (service, ipFamilyPolicy) => {
  const { manifests } = rendered({}, infraOf({ gateway: { service } }));
  expect(manifests.find(({ kind }) => kind === "Service")).toMatchObject({ spec: { ipFamilyPolicy } });
});

test.each([
  [{}, undefined],
  [{ type: "NodePort" }, "Cluster"],
  [{ type: "NodePort", externalTrafficPolicy: "Local" }, "Local"],
  [{ type: "LoadBalancer" }, "Local"],
  [{ type: "LoadBalancer", externalTrafficPolicy: "Cluster" }, "Cluster"],
])("a Service that is asked for as %j has the traffic policy %s", (service, externalTrafficPolicy) => {
  const { spec } = object(rendered({}, infraOf({ gateway: { service } })), "Service") as unknown as { spec: object };
  expect("externalTrafficPolicy" in spec ? spec.externalTrafficPolicy : undefined).toBe(externalTrafficPolicy);
});

test("a Service that stays in the cluster has none of the fields of a load balancer", () => {
  const asked = { type: "LoadBalancer", loadBalancerClass: "a", loadBalancerSourceRanges: ["192.0.2.1"] } as const;
  const infra = infraOf({ gateway: { service: asked } });
  const pods = infra.gateway;
  if (pods === undefined) throw new Error("no gateway");
  const narrowed = { ...infra, gateway: { ...pods, service: { ...pods.service, type: "ClusterIP" as const } } };
  const { spec } = object(rendered({}, narrowed), "Service") as unknown as { spec: object };
  expect(Object.keys(spec).sort()).toEqual(["ipFamilyPolicy", "ports", "selector", "type"]);
});

test("the config Secret says how the Service leads to the listener, also where no Service is rendered", () => {
  const parts = { config: configOf(), endpoints: endpointsOf([8080]), adminToken };
  const wrote = (more: object) =>
    render(OWNER, { ...parts, infra: undefined, ...more }, SETTINGS, packer).manifests[0]?.metadata.annotations;
  expect(wrote({ service: { type: "NodePort", port: 8000 } })).toEqual({ "wsproxy.dev/service": "NodePort 8000" });
  expect(wrote({})).toBeUndefined();
});

test("every change of the shape changes the pod template", () => {
  const shapes: Shape[] = [
    { gateway: { pod: { labels: { team: "chat" } } } },
    { gateway: { pod: { annotations: { note: "x" } } } },
    { gateway: { pod: { nodeSelector: { disk: "ssd" } } } },
    { gateway: { pod: { tolerations: [{ key: "edge" }] } } },
    { gateway: { pod: { affinity: { nodeAffinity: {} } } } },
    { gateway: { pod: { topologySpreadConstraints: [{ maxSkew: 3 }] } } },
    { gateway: { pod: { priorityClassName: "edge" } } },
    { gateway: { pod: { imagePullSecrets: [{ name: "registry" }] } } },
    { resources: { limits: { memory: "1Gi" } } },
    { listenerPort: 8081 },
    { listenerPort: 80 },
    { drainPeriod: "31s" },
  ];
  const templates = [{}, ...shapes].map((shape) => JSON.stringify(template(rendered({}, infraOf(shape)))));
  expect(new Set(templates).size).toBe(shapes.length + 1);
});

test.each([
  ["30s", 45],
  ["1ms", 16],
  ["1h", 3615],
])("a pod that drains for %s is given %i seconds", (drainPeriod, seconds) => {
  const { spec } = template(rendered({}, infraOf({ drainPeriod }))) as { spec: Record<string, unknown> };
  expect(spec["terminationGracePeriodSeconds"]).toBe(seconds);
});

/** A packer that makes so many parts of a config. */
const packedIn = (parts: number): Packer => ({
  ...packer,
  *pack(pieces) {
    const text = [...pieces].join("");
    const isConfig = text.includes('"routes"');
    const made = isConfig ? Array.from({ length: parts }, (_, at) => `part${at}`) : ["endpoints"];
    yield;
    return { hash: packer.hash(text), parts: made };
  },
});

test("a large config is in several Secrets, and the one with the hash comes last", () => {
  const it = rendered({}, undefined, packedIn(4));
  const all = it.manifests.filter(({ kind }) => kind === "Secret") as (Manifest & { data: object })[];
  const secrets = all.filter(({ metadata }) => metadata.name !== "wsproxy-proxy-admin");
  expect(secrets.map(({ metadata }) => metadata.name)).toEqual(
    [3, 2, 1, 0].map((part) => `wsproxy-proxy-config-${part}`),
  );
  expect(secrets.map(({ data }) => data).slice(0, 3)).toEqual([
    { "config.json.gz.3": "part3" },
    { "config.json.gz.2": "part2" },
    { "config.json.gz.1": "part1" },
  ]);
  expect(secrets[3]?.data).toEqual({
    "config.json.gz.0": "part0",
    "config.sha256": packer.base64(it.serving?.hash ?? ""),
    parts: packer.base64("4"),
  });
});

test("a config that is too large is a problem: nothing is written, and nothing is deleted", () => {
  const it = rendered({}, infraOf(), packedIn(5));
  expect(it).toMatchObject({ manifests: [], prunable: [], serving: undefined });
  expect(it.problem).toMatchObject({ reason: "TooLarge", at: "spec" });
  expect(it.problem?.message).toMatch(/more than 3.6 MB .* divide the routes/);
});

test("a text that is longer than an operator writes is too large, however well it packs", () => {
  const backends = Object.fromEntries(
    Array.from({ length: LARGEST_WRITTEN / 300 }, (_, at) => [`${at}-`.padEnd(300, "x"), []]),
  );
  const parts = { config: configOf(), endpoints: { version: 1 as const, backends }, infra: undefined, adminToken };
  const it = render(OWNER, parts, SETTINGS, packer);
  expect(it.problem).toMatchObject({ reason: "TooLarge" });
  expect(it.problem?.message).toContain("more endpoints than");
});

test("no part that the packer makes is too large, and together they are the whole text", () => {
  const text = randomBytes(5000).toString("hex");
  const pack = (largestPart: number): readonly string[] => finished(packer.pack([text], largestPart, 1e6))?.parts ?? [];
  const parts = pack(900).map((part) => Buffer.from(part, "base64"));
  expect(parts.length).toBeGreaterThan(4);
  expect(Math.max(...parts.map(({ length }) => length))).toBe(900);
  expect(Buffer.concat(parts)).toEqual(Buffer.from(pack(1e6)[0] ?? "", "base64"));
});

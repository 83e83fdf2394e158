import { execFile, execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { policies } from "../../api/policies/index.ts";
import { status as statusSchema } from "../../api/status.ts";
import { LONGEST_SIDECAR_NAME, MAX_ROUTES, sidecarName, spec as specSchema } from "../../api/websocket-proxy.ts";
import { apply, applyStatus, type Applicable } from "../../operator/kube/apply.ts";
import type { Caller } from "../../operator/kube/call.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { OPEN, proxyOf, specWith } from "../samples/proxy.ts";
import { newNamespace, read, sharedClient, tableRow } from "./bench.ts";
import { installCrd } from "./crd.ts";
import { DryRun, type DryRunAnswer } from "./dry-run.ts";

type Proxy = KubeObject & { readonly spec: Record<string, unknown>; readonly status?: Record<string, unknown> };

const { signal } = new AbortController();
let dryRun: DryRun;

beforeAll(async () => {
  dryRun = await DryRun.open();
});
afterAll(() => dryRun.close());

test("the CRD is accepted as it is, structural and without complaint", async () => {
  const crd = await installCrd(sharedClient());
  const conditions = Object.fromEntries((crd.status?.conditions ?? []).map(({ type, status }) => [type, status]));
  expect(conditions).toEqual({ NamesAccepted: "True", Established: "True" });
});

test("a field that is not set gets the default of api/", async () => {
  const spec = { routes: [{ name: "main", backends: [{ service: "echo", port: 80 }] }] };
  const { answer } = await dryRun.create(proxyOf(spec, dryRun.namespace));
  expect(answer.spec).toEqual(specSchema.parse(spec));
  const kinds = Object.keys(policies).filter((kind) => !["enforcement", "compression"].includes(kind));
  const empty = Object.fromEntries(kinds.map((kind) => [kind, LISTS.includes(kind) ? [] : {}]));
  const authentication = {
    apiKey: { secretSelector: { matchLabels: { keys: "chat" } } },
    jwt: [{ issuer: "https://idp", audiences: ["chat"], jwks: { secretName: "keys" } }],
    introspection: { endpoint: "https://idp/introspect", credentialsSecretName: "login" },
  };
  const messages = { fromClient: [{ per: "Client", limit: 1, interval: "1s", burst: 1 }] };
  const more = { ...spec, gateway: {}, policies: { ...empty, authentication, messages } };
  expect((await dryRun.create(proxyOf(more, dryRun.namespace))).answer.spec).toEqual(specSchema.parse(more));
});

describe("an unknown field", () => {
  const spec = { ...specWith({}), replicas: 3 };

  test("is refused where the client asks for strict fields, as kubectl does", async () => {
    const { status, text } = await dryRun.create(proxyOf(spec, dryRun.namespace));
    expect({ status, text }).toEqual({ status: 400, text: expect.stringContaining('unknown field "spec.replicas"') });
  });

  test("is dropped otherwise", async () => {
    const { status, answer } = await dryRun.create(proxyOf(spec, dryRun.namespace), "Ignore");
    expect(status).toBe(201);
    expect(answer.spec).not.toHaveProperty("replicas");
  });

  test("stays where the schema leaves the check to Kubernetes", async () => {
    const affinity = { nodeAffinity: { anything: [{ at: "all" }] } };
    const { answer } = await dryRun.create(
      proxyOf(specWith({ spec: { gateway: { pod: { affinity } } } }), dryRun.namespace),
    );
    expect(answer.spec).toMatchObject({ gateway: { pod: { affinity } } });
  });
});

describe("the status", () => {
  test("is written by itself: the spec and its generation stay, and a later spec leaves the status", async () => {
    const client = sharedClient();
    const { metadata } = await make(client, "chat");
    await applyStatus(client, { ...(identity(metadata) as Applicable), status: STATUS }, signal);
    const after = await read<Proxy>(client, "WebSocketProxy", metadata.namespace ?? "", "chat");
    expect(after.status).toEqual(STATUS);
    expect(after.metadata.generation).toBe(1);
    const spec = specWith({ spec: { listener: { port: 9000 } } });
    await apply(
      client,
      { ...identity(metadata), spec, status: { address: "elsewhere" } } as unknown as Applicable,
      signal,
    );
    const later = await read<Proxy>(client, "WebSocketProxy", metadata.namespace ?? "", "chat");
    expect(later).toMatchObject({ status: STATUS, spec: { listener: { port: 9000 } }, metadata: { generation: 2 } });
  });

  test("is refused where it breaks the schema", async () => {
    const client = sharedClient();
    const { metadata } = await make(client, "chat");
    const bad = { ...STATUS, conditions: [{ ...STATUS.conditions[0], status: "Maybe" }] };
    expect(statusSchema.safeParse(bad).success).toBe(false);
    await expect(
      applyStatus(client, { ...(identity(metadata) as Applicable), status: bad }, signal),
    ).rejects.toMatchObject({ status: 422 });
  });

  test("has one author: what another client put into it goes with our next apply", async () => {
    const client = sharedClient();
    const { metadata } = await make(client, "chat");
    const own = { ...(identity(metadata) as Applicable), status: STATUS };
    await applyStatus(client, own, signal);
    const ghost = { name: "ghost", conditions: STATUS.conditions };
    const body = { status: { routes: [...STATUS.routes, ghost], dataplane: { replicas: 9 } } };
    const path = `${pathOf(KINDS.WebSocketProxy, metadata.namespace, "chat")}/status`;
    await client.request({ method: "PATCH", path, contentType: "application/merge-patch+json", body });
    expect((await applyStatus(client, own, signal)) as Proxy).toMatchObject({ status: STATUS });
  });

  test("of a thousand routes fits beside a spec that takes half of the object", async () => {
    const client = sharedClient();
    const hostnames = ["a", "b", "c", "d", "e"].map((label) => `${label.repeat(63)}.${label.repeat(63)}.example.com`);
    const routes = Array.from({ length: 1000 }, (_, at) => ({ name: `r${at}`, path: { value: `/${at}` } }));
    const backends = [{ service: "echo", port: 80 }];
    const spec = { ...specWith({}), routes: routes.map((route) => ({ ...route, hostnames, backends })) };
    expect(JSON.stringify(spec).length).toBeGreaterThan(700_000);
    const namespace = await newNamespace(client);
    const large = identity({ name: "large", namespace }) as Applicable;
    await apply(client, { ...large, spec } as Applicable, signal);
    const conditions = ["Accepted", "ResolvedRefs"].map((type) => ({ type, ...CONDITION }));
    const told = routes.map(({ name }) => ({ name, conditions }));
    const after = await applyStatus(client, { ...large, status: { ...STATUS, routes: told } }, signal);
    expect(after).toMatchObject({ status: { routes: told } });
  });

  test("fills the columns of kubectl", async () => {
    const client = sharedClient();
    const { metadata } = await make(client, "chat");
    await applyStatus(client, { ...(identity(metadata) as Applicable), status: STATUS }, signal);
    const lines = (await kubectl("get", "wsp", "-n", metadata.namespace ?? "", "-o", "wide")).trim().split("\n");
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ["NAME", "MODE", "READY", "REPLICAS", "ADDRESS", "AGE", ...WIDE.map((name) => name.toUpperCase())],
      [
        "chat",
        "Gateway",
        "True",
        "2",
        "wsproxy-chat.demo.svc:80",
        expect.stringMatching(/^\d+s$/),
        "Programmed",
        "ServiceNotFound",
        "0/3",
        "1/1",
        "1",
        "1",
      ],
    ]);
    expect(await kubectl("get", "wsproxy", "-n", metadata.namespace ?? "", "-o", "name")).toBe(
      "websocketproxy.wsproxy.dev/chat\n",
    );
  });

  test("tells by two columns that no operator has seen the last edit", async () => {
    const client = sharedClient();
    const { metadata } = await make(client, "chat");
    const { namespace = "" } = metadata;
    const columns = ["Ready", "Replicas", "Address", ...WIDE];
    const cells = async (): Promise<unknown[]> => {
      const row = await tableRow(client, namespace, "chat");
      return columns.map((name) => row[name]);
    };
    expect(await cells()).toEqual([null, null, null, null, null, null, null, 1, null]);
    const status = { ...STATUS, address: "<pending>" };
    await applyStatus(client, { ...(identity(metadata) as Applicable), status }, signal);
    const told = ["True", 2, "<pending>", "Programmed", "ServiceNotFound", "0/3", "1/1"];
    expect(await cells()).toEqual([...told, 1, 1]);
    const spec = specWith({ spec: { listener: { port: 9000 } } });
    await apply(client, { ...identity(metadata), spec } as unknown as Applicable, signal);
    expect(await cells()).toEqual([...told, 2, 1]);
    // A condition of an earlier generation is not what `kubectl wait` waits for.
    const wait = ["wait", "--for=condition=Ready", "wsp/chat", "-n", namespace, "--timeout=2s"];
    await expect(kubectl(...wait)).rejects.toThrow("timed out");
    const conditions = STATUS.conditions.map((one) => ({ ...one, observedGeneration: 2 }));
    const seen = { ...status, observedGeneration: 2, conditions };
    await applyStatus(client, { ...(identity(metadata) as Applicable), status: seen }, signal);
    expect(await kubectl(...wait)).toContain("condition met");
  });
});

test("kubectl waits for the address of a load balancer, and shows a node port, as the page on columns says", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  const spec = { type: "LoadBalancer", ports: [{ name: "ws", port: 80 }] };
  const metadata = { name: "wsproxy-chat", namespace };
  await apply(client, { apiVersion: "v1", kind: "Service", metadata, spec } as unknown as Applicable, signal);
  const page = readFileSync(join(import.meta.dirname, "../../docs/reference/columns.md"), "utf8");
  const commands = [...page.matchAll(/^kubectl --namespace demo (.* service.*?)(?: #.*)?$/gm)].map(([, words = ""]) =>
    words.replaceAll("'", "").split(" "),
  );
  const [port = [], wait = []] = commands;
  expect(await kubectl("--namespace", namespace, ...port)).toMatch(/^3\d{4}$/);
  const waited = kubectl("--namespace", namespace, ...wait);
  const body = { status: { loadBalancer: { ingress: [{ ip: "192.0.2.1" }] } } };
  const path = `${pathOf(KINDS.Service, namespace, "wsproxy-chat")}/status`;
  await client.request({ method: "PATCH", path, contentType: "application/merge-patch+json", body });
  expect(await waited).toContain("condition met");
});

test("kubectl explains every field of the status", async () => {
  const text = (await kubectl("explain", "wsp.status")).replaceAll(/\s+/g, " ");
  for (const words of ["`<pending>` while it has none", "such as 2/3", "no operator has worked on the last edit"]) {
    expect(text).toContain(words);
  }
  expect(text).not.toContain("<no description>");
});

test("kubectl explains every field of a route", async () => {
  const text = await kubectl("explain", "wsp.spec.routes", "--recursive=false");
  expect(text).toContain("hostnames");
  expect(text.replaceAll(/\s+/g, " ")).toContain("Host names that the route serves; `*.example.com` stands for");
  expect(text).not.toContain("<no description>");
});

test("a name of mode Sidecar has at most 63 characters, as the value of a label; of mode Gateway 253", async () => {
  const sidecar = { mode: "Sidecar", sidecar: { selector: { matchLabels: { app: "chat" } } } };
  const created = (name: string, spec: object): Promise<DryRunAnswer> =>
    dryRun.create({
      ...proxyOf(specWith({ spec }), dryRun.namespace),
      metadata: { name, namespace: dryRun.namespace },
    });
  for (const [name, spec] of [
    ["a".repeat(LONGEST_SIDECAR_NAME), sidecar],
    [`a.${"b".repeat(LONGEST_SIDECAR_NAME - 2)}`, sidecar],
    ["a".repeat(253), {}],
  ] as const) {
    expect(await created(name, spec)).toMatchObject({ status: 201, text: "" });
  }
  const { status, causes } = await created("a".repeat(LONGEST_SIDECAR_NAME + 1), sidecar);
  expect({ status, causes }).toEqual({
    status: 422,
    causes: [
      expect.objectContaining({ field: "metadata.name", message: expect.stringContaining(sidecarName.message) }),
    ],
  });
});

test("two clients apply one route each, and both routes stay", async () => {
  const client = sharedClient();
  const namespace = await newNamespace(client);
  for (const name of ["a", "b"]) {
    const spec = { routes: [{ name, path: { value: `/${name}` }, backends: [{ service: "echo", port: 80 }] }] };
    const path = pathOf(KINDS.WebSocketProxy, namespace, "shared");
    const body = { ...proxyOf(spec, namespace), metadata: { name: "shared", namespace } };
    await client.request({ method: "PATCH", path, query: { fieldManager: name }, contentType: APPLY, body });
  }
  const { spec } = await read<Proxy>(client, "WebSocketProxy", namespace, "shared");
  expect((spec["routes"] as { name: string }[]).map(({ name }) => name).sort()).toEqual(["a", "b"]);
});

describe("a resource", () => {
  test("of 1,000 routes is taken long before a request runs out of time, and so is one of as many as may be", async () => {
    for (const count of [1000, MAX_ROUTES]) {
      const started = performance.now();
      const { status, text } = await dryRun.create(proxyOf(crowd(count), dryRun.namespace));
      const took = Math.round(performance.now() - started);
      expect({ status, text, took }).toEqual({
        status: 201,
        text: "",
        took: expect.toSatisfy((ms: number) => ms < 10_000),
      });
    }
  });

  test("of one route more is refused with the bound", async () => {
    const { status, causes } = await dryRun.create(proxyOf(crowd(MAX_ROUTES + 1), dryRun.namespace));
    expect(status).toBe(422);
    expect(causes[0]).toMatchObject({ field: "spec.routes", message: expect.stringContaining("at most 1024") });
  });

  test("of 10,000 denied addresses is taken", async () => {
    const addresses = Array.from({ length: 10_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
    const spec = specWith({ policies: { deny: { addresses } } });
    expect(await dryRun.create(proxyOf(spec, dryRun.namespace))).toMatchObject({ status: 201, text: "" });
  });
});

describe("a hostile value", () => {
  const inBackend = (backend: object): object =>
    specWith({ route: { backends: [{ service: "echo", port: 80, ...backend }] } });
  const inRoute = (route: object): object => specWith({ route });

  test.each([
    ["a path in a name", inBackend({ service: "../b/secret" }), "spec.routes[0].backends[0].service"],
    ["another namespace", inBackend({ namespace: "kube-system" }), "spec.routes[0].backends[0].namespace"],
    ["an empty namespace", inBackend({ namespace: "" }), "spec.routes[0].backends[0].namespace"],
    ["an empty name", inBackend({ service: "" }), "spec.routes[0].backends[0].service"],
    ["a name too long", inBackend({ service: "a".repeat(254) }), "spec.routes[0].backends[0].service"],
    ["a label too long", inBackend({ service: "a".repeat(64) }), "spec.routes[0].backends[0].service"],
    [
      "a Secret elsewhere",
      inBackend({ basicAuthSecretName: "other/login" }),
      "spec.routes[0].backends[0].basicAuthSecretName",
    ],
    ["a line end in a path", inRoute({ path: { value: "/a\r\nx: 1" } }), "spec.routes[0].path.value"],
    ["a line end at the very end", inRoute({ path: { value: "/a\n" } }), "spec.routes[0].path.value"],
    ["a template", inRoute({ path: { value: "/{{ .Values }}" } }), "spec.routes[0].path.value"],
    ["an expression", inRoute({ hostnames: ["${HOST}"] }), "spec.routes[0].hostnames[0]"],
    ["a pattern", inRoute({ hostnames: ["(a+)+$"] }), "spec.routes[0].hostnames[0]"],
    ["a host in capitals", inRoute({ hostnames: ["Chat.example.com"] }), "spec.routes[0].hostnames[0]"],
    ["a quote that ends a CEL text", inRoute({ path: { value: "/a' || true || '" } }), "spec.routes[0].path.value"],
  ])("with %s is refused by name", async (_what, spec, at) => {
    const { status, text } = await dryRun.create(proxyOf(spec, dryRun.namespace));
    expect(status).toBeGreaterThanOrEqual(400);
    expect(text).toContain(at);
  });

  test("where any text may stand is kept as it is", async () => {
    const clients = ["${jndi:ldap://x}", "'; DROP TABLE", "(a+)+$", "self.size() > 0", "\u202e\u0000é😀\r\n"];
    const { answer } = await dryRun.create(proxyOf(specWith({ policies: { deny: { clients } } }), dryRun.namespace));
    expect(answer.spec).toMatchObject({ policies: { deny: { clients } } });
  });
});

/** Policies that are lists. */
const LISTS = ["attempts", "connections"];
const APPLY = "application/apply-patch+yaml";
const CONDITION = {
  status: "True",
  reason: "Programmed",
  message: "Every ready data plane pod serves this generation.",
  observedGeneration: 1,
  lastTransitionTime: "2026-01-31T12:00:00Z",
} as const;
/** What `kubectl get --output wide` shows besides. */
const WIDE = ["Programmed", "ResolvedRefs", "Backends", "Routes", "Generation", "Observed"];
const STATUS = {
  observedGeneration: 1,
  conditions: ["Accepted", "ResolvedRefs", "Programmed", "Ready"].map((type) => ({
    type,
    ...CONDITION,
    ...(type === "ResolvedRefs" ? { status: "False", reason: "ServiceNotFound" } : {}),
  })),
  address: "wsproxy-chat.demo.svc:80",
  acceptedRoutes: "1/1",
  readyBackends: "0/3",
  routes: [{ name: "main", conditions: [{ type: "Accepted", ...CONDITION }] }],
  dataplane: { replicas: 2, readyReplicas: 2, selector: "wsproxy.dev/proxy=wsproxy-chat", configHash: "0".repeat(64) },
};

function crowd(count: number): object {
  const routes = Array.from({ length: count }, (_, index) => ({
    name: `route-${index}`,
    hostnames: [`host-${index}.example.com`],
    path: { value: `/rooms/${index}` },
    backends: [{ service: "echo", port: 80 }],
    policies: { ...OPEN, messages: { fromClient: [{ per: "Client", limit: 5, interval: "1s" }] } },
  }));
  return { routes };
}

function identity({ name, namespace }: KubeObject["metadata"]): KubeObject {
  return { apiVersion: "wsproxy.dev/v1alpha1", kind: "WebSocketProxy", metadata: { name, namespace: namespace ?? "" } };
}

async function make(client: Caller, name: string): Promise<KubeObject> {
  const namespace = await newNamespace(client);
  return apply(client, { ...identity({ name, namespace }), spec: specWith({}) } as unknown as Applicable, signal);
}

async function kubectl(...args: readonly string[]): Promise<string> {
  const where = execFileSync(join(import.meta.dirname, "tools/build.sh"), ["--where"], { encoding: "utf8" }).trim();
  const file = join(where, "kubectl");
  const { stdout } = await promisify(execFile)(file, ["--kubeconfig", inject("kubeconfig"), ...args]);
  return stdout;
}

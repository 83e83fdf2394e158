import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Config } from "../../api/config.ts";
import { PACKED } from "../../api/meta.ts";
import { WrittenConfigs, type SecretData } from "../../operator/gather/written-configs.ts";
import type { KubeClient } from "../../operator/kube/client.ts";
import type { KubeObject } from "../../operator/kube/kinds.ts";
import { packer } from "../../operator/platform/packer.ts";
import { namesOf } from "../../operator/render/names.ts";
import { keys, proxy, service, slice } from "../fakes/operator-bench.ts";
import { create, newNamespace, read, sharedClient } from "./bench.ts";
import { installCrd } from "./crd.ts";
import { conditionOf, eventually, listOf, startOperator, type Proxy } from "./operator-bench.ts";

// What the API server takes, a proxy can use; what of it a proxy cannot use, a condition tells.

let client: KubeClient;

/** A name of so many characters, in parts that DNS would not take. */
const long = (start: string, length: number): string => `${start}${"x".repeat(length - start.length - 2)}.y`;
const label = (start: string): string => start.padEnd(63, "x");

/** Makes the objects as a user would, in a new namespace with an operator. */
async function operated(objects: readonly object[]): Promise<string> {
  client = sharedClient();
  await installCrd(client);
  const namespace = await newNamespace(client);
  for (const object of objects as readonly KubeObject[]) await put(namespace, object);
  startOperator(client, [namespace], 1);
  return namespace;
}

function put(namespace: string, object: object): Promise<KubeObject> {
  const { kind, metadata, ...rest } = object as KubeObject & { readonly kind: "Secret" };
  return create(client, kind, namespace, metadata.name, { ...rest, metadata: { ...metadata, namespace } });
}

async function refs(namespace: string, name: string): Promise<string> {
  const { status } = await read<Proxy>(client, "WebSocketProxy", namespace, name);
  const found = status?.conditions?.find(({ type }) => type === "ResolvedRefs");
  return `${found?.status} ${found?.reason} ${found?.message}`;
}

async function written(namespace: string, name: string): Promise<Config | undefined> {
  const names = namesOf(name, packer.hash);
  const { data } = await read<KubeObject & { data: SecretData }>(client, "Secret", namespace, names.configPart(0));
  return new WrittenConfigs().read(name, [data]);
}

async function endpoints(namespace: string, name: string): Promise<string> {
  const names = namesOf(name, packer.hash);
  const { binaryData } = await read<KubeObject & { readonly binaryData?: Readonly<Record<string, string>> }>(
    client,
    "ConfigMap",
    namespace,
    names.endpoints,
  );
  return gunzipSync(Buffer.from(binaryData?.[PACKED.endpoints] ?? "", "base64")).toString("utf8");
}

describe("names as long as Kubernetes takes them", () => {
  test("proxy, Secrets, ConfigMap, Service and EndpointSlices are found", async () => {
    const name = long("p", 253);
    const echo = label("echo");
    const portName = label("web");
    const login = long("login", 253);
    const set = long("set", 253);
    const jwk = { kty: "EC", crv: "P-256", kid: "a", x: X, y: Y };
    const jwt = {
      issuer: "https://idp.example",
      audiences: ["chat"],
      jwks: { configMapName: set, key: "k".repeat(253) },
    };
    const spec = {
      routes: [
        {
          name: label("main"),
          backends: [{ service: echo, port: portName, basicAuthSecretName: login, tls: { caSecretName: login } }],
          policies: {
            authentication: {
              require: "Any",
              apiKey: { secretSelector: { matchLabels: { [LABEL]: "v".repeat(63) } } },
              jwt: [jwt],
            },
          },
        },
        {
          ...(proxy().spec as { routes: [object] }).routes[0],
          path: { value: "/b" },
          backends: [{ service: echo, port: portName }],
        },
      ],
    };
    const labelled = (object: ReturnType<typeof keys>): object => ({
      ...object,
      metadata: { ...object.metadata, labels: { keys: "chat", [LABEL]: "v".repeat(63) } },
    });
    const port = {
      name: portName,
      port: 80,
      targetPort: "a-port-of-15-ch",
      protocol: "TCP",
      appProtocol: "example.com/x",
    };
    const ports = [{ name: portName, port: 8080, protocol: "TCP" }];
    const namespace = await operated([
      labelled(keys({ ["a".repeat(253)]: "alices-own-key-0001" }, "k".repeat(80))),
      labelled(keys({ bob: "bobs-own-key-000001" }, long("keys", 253))),
      {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: login, labels: { "wsproxy.dev/use": "true" }, annotations: { note: "n".repeat(200_000) } },
        type: "kubernetes.io/basic-auth",
        stringData: { username: "a", password: "b" },
      },
      {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { name: set },
        data: { ["k".repeat(253)]: JSON.stringify({ keys: [jwk] }) },
      },
      { ...service(echo), spec: { ports: [port] } },
      { ...slice(["10.0.0.1"], echo), ports, metadata: sliceOf(echo, `${echo}-abcde`) },
      { ...slice(["10.0.0.2"], echo), ports, metadata: sliceOf(echo, long("slice", 253)) },
      proxy(name, spec),
    ]);
    await eventually("it has a status", async () => !(await refs(namespace, name)).startsWith("undefined"));
    expect(conditionOf(await read<Proxy>(client, "WebSocketProxy", namespace, name), "Accepted")).toBe("True Accepted");
    // The login is no CA: the one mistake, so that everything else was found.
    expect(await refs(namespace, name)).toMatch(
      /^False SecretInvalid [^;]*is not of type Opaque or kubernetes.io\/tls[^;]*;[^;]*$/,
    );
    await eventually("its config is written", async () => {
      try {
        return (await written(namespace, name)) !== undefined;
      } catch {
        return false;
      }
    });
    const config = await written(namespace, name);
    expect(config?.proxy).toMatchObject({ namespace, name });
    expect(config?.policies.authentication?.map((one) => one.apiKey?.keys.map((key) => key.client.length))).toEqual([
      [253, 3],
      [253, 3],
    ]);
    await eventually("its endpoints are written", async () => (await endpoints(namespace, name)).includes("10.0.0.2"));
    expect(await endpoints(namespace, name)).toContain("10.0.0.1");
    const { base } = namesOf(name, packer.hash);
    for (const kind of ["Deployment", "Service", "NetworkPolicy", "PodDisruptionBudget", "ServiceAccount"] as const) {
      await eventually(`there is its ${kind}`, async () => {
        const own = (await listOf(client, kind, namespace)).find(({ metadata }) => metadata.name === base);
        return own?.metadata.ownerReferences?.[0]?.name === name;
      });
    }
  });
});

const X = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
const Y = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
/** As long as the key of a label can be. */
const LABEL = `${[63, 63, 63, 61].map((length) => "d".repeat(length)).join(".")}/${"n".repeat(63)}`;

function sliceOf(of: string, name: string): object {
  return { name, labels: { "kubernetes.io/service-name": of } };
}

/** What the API server takes of an EndpointSlice, and the reason and words of the route that leads there. */
const SLICES: readonly (readonly [string, object, RegExp])[] = [
  ["names", { addressType: "FQDN", endpoints: [{ addresses: ["echo.example.com"] }] }, /^ServiceUnsupported .*FQDN/],
  ["zero", { ports: [{ port: 0, protocol: "TCP" }] }, /^ServicePortNotFound .*ports\[0\]\.port: 0 is not a port/],
  ["large", { ports: [{ port: 70_000, protocol: "TCP" }] }, /^ServicePortNotFound .*: 70000 is not a port/],
  ["udp", { ports: [{ port: 8080, protocol: "UDP" }] }, /^ServicePortNotFound .*for UDP only/],
  ["none", { ports: [] }, /^ServicePortNotFound .*no EndpointSlice of Service none has its port/],
  ["every", { ports: [{ protocol: "TCP" }] }, /^ResolvedRefs /],
];

test("what of an EndpointSlice cannot be used is told at its route, and the other routes work", async () => {
  const { policies } = (proxy().spec as { routes: [{ policies: object }] }).routes[0];
  const routes = SLICES.map(([name]) => ({
    name,
    path: { value: `/${name}` },
    backends: [{ service: name, port: 80 }],
    policies,
  }));
  const namespace = await operated([
    keys({ a: "alices-own-key-0001" }),
    ...SLICES.flatMap(([name, fields]) => [service(name), { ...slice(["10.0.0.1"], name), ...fields }]),
    proxy("chat", { routes }),
  ]);
  await eventually("it has a status", async () => !(await refs(namespace, "chat")).startsWith("undefined"));
  const { status } = await read<Proxy>(client, "WebSocketProxy", namespace, "chat");
  for (const [index, [name, , words]] of SLICES.entries()) {
    const found = status?.routes?.[index]?.conditions?.find(({ type }) => type === "ResolvedRefs");
    expect({ name, said: `${found?.reason} ${found?.message}` }).toEqual({ name, said: expect.stringMatching(words) });
  }
});

test("a Secret with too many labels for a selector is named in the condition", async () => {
  const many = Object.fromEntries(Array.from({ length: 70 }, (_, at) => [`l${at}`, "v"]));
  const crowded = keys({ a: "alices-own-key-0001" });
  const namespace = await operated([
    { ...crowded, metadata: { ...crowded.metadata, labels: { ...many, keys: "chat" } } },
    service(),
    slice(["10.0.0.1"]),
    proxy(),
  ]);
  await eventually("it has a status", async () => !(await refs(namespace, "chat")).startsWith("undefined"));
  expect(await refs(namespace, "chat")).toMatch(/^False ApiKeysNotFound .*Secret keys has more than 64 labels/);
});

import { proxyWith } from "./hostile-specs.ts";
import type { FakeApiServer } from "./api-server.ts";
import type { ApiObject } from "./api-server-store.ts";

/** How many objects of each kind there are. */
export interface Crowd {
  readonly namespaces: number;
  /** WebSocketProxies that select too much, over all namespaces. */
  readonly hostile: number;
  readonly honest: number;
  /** Of each namespace: Secrets of 1 MiB that hostile selectors find, ordinary Secrets with 256 KiB of annotations, EndpointSlices. */
  readonly secrets: number;
  readonly annotated: number;
  readonly slices: number;
}

export const CROWD: Crowd = { namespaces: 10, hostile: 50, honest: 50, secrets: 200, annotated: 100, slices: 1000 };

const KIB = 1024;
/** One string for all objects: only the answers of the server become large. */
const ANNOTATION = "a".repeat(250 * KIB);
const KEY_SET = JSON.stringify({ keys: [], more: Array.from({ length: 330_000 }, () => ({})) });
const base64 = (text: string): string => Buffer.from(text).toString("base64");
/** 1 MiB in entries that are keys: some thousands of clients. */
const ENTRIES = Object.fromEntries(
  Array.from({ length: 4000 }, (_, at) => [`client-${at}`, base64(`${at}-${"k".repeat(190)}`)]),
);
const ENDPOINTS = Array.from({ length: 1000 }, (_, at) => ({
  addresses: Array.from({ length: 60 }, (_host, host) => `10.${at % 250}.${at >> 8}.${host}`),
  conditions: { ready: true },
}));

/** Tenants with a namespace each: hostile ones that name too much, and honest ones beside them. */
export class Tenants {
  readonly #server: FakeApiServer;
  readonly #crowd: Crowd;
  #round = 0;

  constructor(server: FakeApiServer, crowd: Crowd) {
    this.#server = server;
    this.#crowd = crowd;
  }

  /** `namespace/name` of the ordinary proxies. */
  get honest(): string[] {
    return Array.from({ length: this.#crowd.honest }, (_, at) => `${this.#namespace(at)}/honest-${at}`);
  }

  get hostile(): string[] {
    return Array.from({ length: this.#crowd.hostile }, (_, at) => `${this.#namespace(at)}/hostile-${at}`);
  }

  moveIn(): void {
    const { namespaces, secrets, annotated, slices } = this.#crowd;
    for (let at = 0; at < namespaces; at += 1) {
      const namespace = this.#namespace(at);
      for (const object of [...ordinary(namespace), ...excessive(namespace, secrets, annotated, slices)])
        this.#server.put(object);
    }
    for (const key of this.honest) this.#server.put(proxyWith(key, "honest"));
    for (const [at, key] of this.hostile.entries())
      this.#server.put(proxyWith(key, at % 2 === 0 ? "hosts" : "policies"));
  }

  /** Changes one object of each kind that tenants can change. */
  stir(): void {
    this.#round += 1;
    const at = this.#round % this.#crowd.hostile;
    const [namespace = "", name = ""] = (this.hostile[at] ?? "").split("/");
    for (const [kind, one] of [
      ["Secret", `large-${this.#round % this.#crowd.secrets}`],
      ["ConfigMap", "key-set"],
      ["EndpointSlice", `wide-${this.#round % this.#crowd.slices}`],
      ["WebSocketProxy", name],
    ] as const) {
      const known = this.#server.get(kind, namespace, one);
      if (known === undefined) continue;
      const annotations = { ...known.metadata.annotations, round: String(this.#round) };
      this.#server.put({ ...known, metadata: { ...known.metadata, annotations } });
    }
  }

  /** Removes the key of an honest proxy. */
  revoke(key: string): void {
    const [namespace = "", name = ""] = key.split("/");
    this.#server.put(keysOf(namespace, name, {}));
  }

  #namespace(at: number): string {
    return `tenant-${at % this.#crowd.namespaces}`;
  }
}

function ordinary(namespace: string): ApiObject[] {
  const own = Array.from({ length: 50 }, (_, at) =>
    keysOf(namespace, `honest-${at}`, { alice: "alices-own-key-0001" }),
  );
  return [...own, service(namespace, "echo"), slice(namespace, "echo-1", "echo", [{ addresses: ["10.0.0.1"] }])];
}

function excessive(namespace: string, secrets: number, annotated: number, slices: number): ApiObject[] {
  const of = (count: number, make: (at: number) => ApiObject): ApiObject[] =>
    Array.from({ length: count }, (_, at) => make(at));
  return [
    ...of(secrets, (at) => secret(namespace, `large-${at}`, { keys: "hostile" }, ENTRIES)),
    ...of(annotated, (at) => {
      const plain = secret(namespace, `annotated-${at}`, {}, {});
      return { ...plain, metadata: { ...plain.metadata, annotations: { note: ANNOTATION } } };
    }),
    { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "key-set", namespace }, data: { "jwks.json": KEY_SET } },
    service(namespace, "wide"),
    ...of(slices, (at) => slice(namespace, `wide-${at}`, "wide", ENDPOINTS)),
  ];
}

function keysOf(namespace: string, name: string, keys: Readonly<Record<string, string>>): ApiObject {
  const data = Object.fromEntries(Object.entries(keys).map(([client, key]) => [client, base64(key)]));
  return secret(namespace, `keys-${name}`, { keys: name }, data);
}

function secret(
  namespace: string,
  name: string,
  labels: Readonly<Record<string, string>>,
  data: Readonly<Record<string, string>>,
): ApiObject {
  return { apiVersion: "v1", kind: "Secret", metadata: { name, namespace, labels }, type: "Opaque", data };
}

function service(namespace: string, name: string): ApiObject {
  const spec = { type: "ClusterIP", ports: [{ port: 80, protocol: "TCP" }] };
  return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec };
}

function slice(namespace: string, name: string, of: string, endpoints: readonly object[]): ApiObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name, namespace, labels: { "kubernetes.io/service-name": of } },
    addressType: "IPv4",
    ports: [{ port: 8080, protocol: "TCP" }],
    endpoints,
  };
}

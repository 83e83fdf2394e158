import assert from "node:assert/strict";
import { keyOf } from "../fakes/api-keys.ts";
import type { Cluster } from "./cluster.ts";
import { urlOf } from "./injected-pods.ts";
import type { Session } from "./session.ts";
import { injected, labelledPods, sidecarSpec, workload } from "./sidecar.ts";
import { storeAddress } from "./store.ts";
import { MESSAGES } from "./talker.ts";
import { proxyManifest } from "./web-socket-proxy.ts";
import { byApiKey } from "./workloads.ts";

/** The proxy, and the namespace that it and its store are in. */
export const NAME = "shared";
/** Another proxy there, of mode Sidecar. */
export const SIDECAR = "beside";
/** A client that comes alone. */
export const GUEST = "guest";
/** Sessions of one client, over all pods. */
export const LIMIT = 5;
/** What is edited of the proxy. */
export interface Parts {
  readonly replicas?: number;
  readonly whenUnavailable?: "PerPod" | "Refuse";
  /** Sessions of one client on the route that has no limit at first. */
  readonly late?: number;
  readonly secret?: string;
}

/** `spec.store`, as the example has it. */
export function store(namespace: string, { whenUnavailable = "Refuse", secret = "valkey-login" }: Parts = {}): object {
  return { address: storeAddress(namespace), credentialsSecretName: secret, whenUnavailable };
}

export const perClient = (limit: number): object => ({ connections: [{ per: "Client", limit }] });

/** The whole proxy. */
export function spec({ replicas = 3, late, ...rest }: Parts = {}): object {
  const route = (name: string, policies: object): object => ({
    name,
    path: { value: `/${name}` },
    backends: [{ service: "sample-backend", port: "ws" }],
    policies,
  });
  return {
    gateway: { replicas },
    dataplane: { drain: { period: "2s" }, resources: { requests: { cpu: "10m", memory: "64Mi" } } },
    policies: byApiKey,
    routes: [
      route("sessions", perClient(LIMIT)),
      route("messages", { messages: { fromClient: [{ per: "Client", ...MESSAGES }] } }),
      route("late", late === undefined ? {} : perClient(late)),
    ],
    store: store(NAME, rest),
  };
}

/** How this client dials. */
export function asClient(client: string): { as: string; headers: Record<string, string> } {
  return { as: client, headers: { "x-api-key": keyOf(client) } };
}

/** Of a busy machine the store may be late: with Refuse a client is told to come again. */
const AGAIN = "503 StoreUnavailable";
const ENOUGH = "429 ConnectionLimit";
/** A session that has ended gives its place back by then, in ms. */
const AT_ONCE = 1_000;

/**
 * Resolves with a session as soon as the store can be asked. Where the client has just ended one, its gateway may have to hear
 * of it from the backend first.
 */
export async function getsIn(cluster: Cluster, url: string, client = GUEST): Promise<Session> {
  const since = Date.now();
  const entered: Session[] = [];
  await cluster.until(`${client} gets in`, async () => {
    const session = cluster.ledger.dial(url, asClient(client));
    const said = await session.opened().then(
      () => undefined,
      ({ message }: Error) => message.replace("refused: ", ""),
    );
    if (said === undefined) entered.push(session);
    else assert.ok(said === AGAIN || (said === ENOUGH && Date.now() - since < AT_ONCE), said);
    return said === undefined;
  });
  return entered[0]!;
}

/** Resolves where a client is told that it has enough, as soon as the store can be asked. */
export async function hasEnough(cluster: Cluster, url: string, client = GUEST): Promise<void> {
  await cluster.until(`${client} is told that it has enough`, async () => {
    const said = await cluster.ledger.dial(url, asClient(client)).refused();
    if (said !== AGAIN) assert.equal(said, ENOUGH);
    return said !== AGAIN;
  });
}

/** Pods of mode Sidecar reach the store too, where a cluster enforces such policies: the example has no label of theirs. */
export const besidePolicy = {
  apiVersion: "networking.k8s.io/v1",
  kind: "NetworkPolicy",
  metadata: { name: "valkey-for-sidecars" },
  spec: {
    podSelector: { matchLabels: { app: "valkey" } },
    policyTypes: ["Ingress"],
    ingress: [{ ports: [{ port: 6379 }], from: [{ podSelector: { matchLabels: { app: SIDECAR } } }] }],
  },
};

/** Pods that a user makes count in the same store, by a proxy of their own. */
export async function besides(cluster: Cluster, namespace: string): Promise<void> {
  const manifest = proxyManifest(SIDECAR, {
    ...sidecarSpec({ ...byApiKey, ...perClient(LIMIT) }, SIDECAR),
    store: store(namespace),
  });
  await cluster.apply(namespace, manifest);
  await cluster.condition(namespace, SIDECAR, "Programmed");
  await cluster.apply(namespace, workload("Deployment", SIDECAR, 2, labelledPods(SIDECAR)));
  const [one = "", other = ""] = (await injected(cluster, namespace, SIDECAR, 2)).map(urlOf);
  const areFull = (): Promise<unknown> => Promise.all([one, other].map((at) => hasEnough(cluster, at)));
  const sessions = await Promise.all([one, one, one, other, other].map((at) => getsIn(cluster, at)));
  await areFull();
  await sessions[0]?.close();
  await getsIn(cluster, other);
  await areFull();
}

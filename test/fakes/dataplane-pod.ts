import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { AddressInfo, Socket } from "node:net";
import { Buffer } from "node:buffer";
import { onTestFinished } from "vitest";
import { ADMIN_TOKEN_KEY, PACKED } from "../../api/meta.ts";
import type { ConfigReport } from "../../api/report.ts";
import type { ApiObject } from "./api-server-store.ts";
import type { FakeApiServer } from "./api-server.ts";

/** How a pod behaves. */
export interface PodBehaviour {
  /** Time from a nudge to the report of the new config, in ms. */
  readonly lag?: number;
  /** Number of nudges that the pod ignores. */
  readonly misses?: number;
  /** The pod never answers. */
  readonly silent?: boolean;
  /** The pod has only the labels: no ReplicaSet of the proxy made it. */
  readonly stranger?: boolean;
  /** The volume of the pod has an earlier token at first. */
  readonly staleToken?: boolean;
  /** Answers every request in this way. */
  readonly answers?: (socket: Socket) => void;
  /** A user's pod that got the data plane as a native sidecar. */
  readonly injected?: Injected;
}

/** What a test says of an injected pod. */
export interface Injected {
  /** Its admin port is not that of all pods. */
  readonly moved?: boolean;
  /** Hash of its container. */
  readonly shape?: string;
  /** Containers with a preStop hook of their own. */
  readonly ownPreStop?: string;
  /** Its controller; default: a ReplicaSet of the Deployment `shop`. */
  readonly owner?: object;
}

/** Data plane pods as the operator sees them: objects of the API, and a server that answers at /config. */
export class DataplanePodFakes {
  /** The port of all pods; each has its own loopback address. */
  port = 0;
  readonly all: FakePod[] = [];
  readonly #api: FakeApiServer;
  readonly #servers: Server[] = [];
  #last = 1;

  constructor(api: FakeApiServer) {
    this.#api = api;
    // The Deployment controller, for Deployments that have pods: it takes every change, and there is one shape only.
    const quiet = api.store.onChange(({ after }) => {
      if (after?.kind === "Deployment" && after["status"] !== undefined) observe(api, after);
    });
    onTestFinished(quiet);
    onTestFinished(() => {
      for (const server of this.#servers) server.closeAllConnections();
      for (const server of this.#servers) server.close();
    });
  }

  /** Chooses the port, which the operator needs at its start. */
  async reserve(): Promise<number> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    this.port = (server.address() as AddressInfo).port;
    server.close();
    return this.port;
  }

  /** Adds a ready pod of a proxy. It serves the newest config as soon as it is nudged. */
  async add(proxy: string, name: string, behaviour: PodBehaviour = {}): Promise<FakePod> {
    this.#last += 1;
    const address = `127.0.0.${this.#last}`;
    const pod = new FakePod(this.#api, proxy, name, address, behaviour);
    const server = createServer((request, response) => {
      pod.asked += 1;
      if (behaviour.silent === true) return;
      if (behaviour.answers !== undefined) return behaviour.answers(request.socket);
      if (!pod.knows(request.headers.authorization)) return void response.writeHead(401).end();
      response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(pod.report()));
    });
    this.#servers.push(server);
    server.listen(behaviour.injected?.moved === true ? 0 : this.port, address);
    await once(server, "listening");
    pod.adminPort = (server.address() as AddressInfo).port;
    pod.appear();
    this.all.push(pod);
    return pod;
  }
}

/** One pod. */
export class FakePod {
  readonly name: string;
  /** When the pod began to serve its current config, in ms since the epoch. */
  servingSince = 0;
  /** Requests that it got. */
  asked = 0;
  adminPort = 0;
  /** It refuses every config that comes, as one of an older version does. */
  refuses = false;
  readonly #api: FakeApiServer;
  readonly #proxy: string;
  readonly #address: string;
  readonly #behaviour: PodBehaviour;
  #mounted: { readonly hash: string; readonly endpointsHash: string; readonly generation: number } | undefined;
  #refused: string | undefined;
  #token: string | undefined;
  #missed = 0;

  constructor(api: FakeApiServer, proxy: string, name: string, address: string, behaviour: PodBehaviour) {
    this.#api = api;
    this.#proxy = proxy;
    this.name = name;
    this.#address = address;
    this.#behaviour = behaviour;
    this.#mount();
    if (behaviour.staleToken === true) this.#token = "an-earlier-token";
    const quiet = api.store.onChange(({ before, after }) => {
      if (after?.kind === "Pod" && after.metadata.name === name && before !== undefined) this.#nudged();
    });
    onTestFinished(quiet);
  }

  report(): ConfigReport {
    const rejected =
      this.#refused === undefined
        ? {}
        : { rejected: { hash: this.#refused, stage: "config" as const, problems: ["has a field that is not known"] } };
    return { proxies: [{ proxy: `demo/${this.#proxy}`, ...this.#mounted, ...rejected }], more: 0 };
  }

  /** Does a request bring the token that the pod has mounted? */
  knows(authorization: string | undefined): boolean {
    return this.#token !== undefined && authorization === `Bearer ${this.#token}`;
  }

  appear(phase = "Running", ready = "True"): void {
    const base = `wsproxy-${this.#proxy}`;
    const labels = {
      "app.kubernetes.io/name": "wsproxy",
      "app.kubernetes.io/component": "dataplane",
      "app.kubernetes.io/managed-by": "wsproxy-operator",
      "wsproxy.dev/proxy": base,
    };
    const known = this.#api.get("Pod", "demo", this.name);
    const status = { phase, podIP: this.#address, conditions: [{ type: "Ready", status: ready }] };
    const { injected } = this.#behaviour;
    if (injected !== undefined) return void this.#api.put(this.#injected(base, injected, known, status));
    const pod: ApiObject = {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: this.name,
        namespace: "demo",
        labels,
        ...(known?.metadata.annotations === undefined ? {} : { annotations: known.metadata.annotations }),
        ...(this.#behaviour.stranger === true ? {} : { ownerReferences: [this.#replicaSet(base, labels)] }),
      },
      status,
    };
    this.#api.put(pod);
  }

  #injected(base: string, injected: Injected, known: ApiObject | undefined, status: object): ApiObject {
    const { shape = "a-shape", ownPreStop, owner = SHOP } = injected;
    return {
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: this.name,
        namespace: "demo",
        labels: { "wsproxy.dev/inject": this.#proxy, "wsproxy.dev/injected": base, "pod-template-hash": "5d4f" },
        annotations: {
          "wsproxy.dev/shape": shape,
          ...(ownPreStop === undefined ? {} : { "wsproxy.dev/own-prestop": ownPreStop }),
          ...known?.metadata.annotations,
        },
        ownerReferences: [owner],
      },
      spec: {
        initContainers: [
          {
            name: "wsproxy",
            restartPolicy: "Always",
            ports: [
              { name: "wsproxy", containerPort: 8080 },
              { name: "wsproxy-admin", containerPort: this.adminPort },
            ],
          },
        ],
      },
      status,
    };
  }

  /** Owner reference to the ReplicaSet of the proxy's Deployment that made the pod. */
  #replicaSet(base: string, labels: Record<string, string>): object {
    const [apiVersion, kind, name] = ["apps/v1", "ReplicaSet", `${base}-1`];
    const deployment = this.#api.get("Deployment", "demo", base);
    if (deployment === undefined) throw new Error(`there is no Deployment ${base} yet that could make a pod`);
    observe(this.#api, deployment);
    const uid = deployment.metadata.uid;
    const ownerReferences = [{ apiVersion, kind: "Deployment", name: base, uid, controller: true }];
    const annotations = REVISION;
    const metadata = { name, namespace: "demo", labels, annotations, ownerReferences };
    const made = this.#api.put({ apiVersion, kind, metadata });
    return { apiVersion, kind, name, uid: made.metadata.uid, controller: true };
  }

  #nudged(): void {
    const { lag = 0, misses = 0 } = this.#behaviour;
    this.#missed += 1;
    if (this.#missed <= misses) return;
    setTimeout(() => this.#mount(), lag);
  }

  /** Syncs the volume with the API, as the kubelet does. */
  #mount(): void {
    const base = `wsproxy-${this.#proxy}`;
    const secret = this.#api.get("Secret", "demo", `${base}-config-0`) as { data?: Record<string, string> } | undefined;
    const map = this.#api.get("ConfigMap", "demo", `${base}-endpoints`) as
      | { data?: Record<string, string> }
      | undefined;
    const admin = this.#api.get("Secret", "demo", `${base}-admin`) as { data?: Record<string, string> } | undefined;
    this.#token = Buffer.from(admin?.data?.[ADMIN_TOKEN_KEY] ?? "", "base64").toString("utf8") || undefined;
    const hash = Buffer.from(secret?.data?.[PACKED.configHash] ?? "", "base64").toString("utf8");
    const endpointsHash = map?.data?.[PACKED.endpointsHash] ?? "";
    this.#refused = this.refuses && hash !== this.#mounted?.hash ? hash : undefined;
    if (this.#refused !== undefined) return;
    if (hash === this.#mounted?.hash && endpointsHash === this.#mounted.endpointsHash) return;
    const { generation = 1 } = this.#api.get("WebSocketProxy", "demo", this.#proxy)?.metadata ?? {};
    this.#mounted = { hash, endpointsHash, generation };
    this.servingSince = Date.now();
  }
}

const SHOP = { apiVersion: "apps/v1", kind: "ReplicaSet", name: "shop-5d4f", uid: "shop-set", controller: true };
const REVISION = { "deployment.kubernetes.io/revision": "1" };

/** Says of a Deployment what its controller would. */
function observe(api: FakeApiServer, deployment: ApiObject): void {
  const { replicas } = deployment["spec"] as { readonly replicas?: number };
  const status = deployment["status"] as object | undefined;
  const { generation: observedGeneration } = deployment.metadata;
  api.put({
    ...deployment,
    metadata: { ...deployment.metadata, annotations: { ...REVISION, ...deployment.metadata.annotations } },
    status: { ...status, observedGeneration, updatedReplicas: replicas },
  });
}

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import { ADMIN_TOKEN_KEY, PACKED, PROXY_LABEL } from "../../api/meta.ts";
import type { ConfigReport } from "../../api/report.ts";
import { Controller } from "../../operator/controller.ts";
import type { Call, Watcher } from "../../operator/kube/call.ts";
import { KINDS, pathOf, type KindName, type KubeObject } from "../../operator/kube/kinds.ts";
import { newAdminToken } from "../../cli/serving/admin-token.ts";
import { systemClock } from "../../runtime/clock.ts";
import { recordedLog } from "../fakes/kube-bench.ts";
import { RENDER } from "../fakes/operator-bench.ts";
import { until } from "../fakes/sockets.ts";

/** A client that counts its calls and records its writes. */
export class CountingClient implements Watcher {
  readonly writes: string[] = [];
  calls = 0;
  readonly #client: Watcher;

  constructor(client: Watcher) {
    this.#client = client;
  }

  request<T>(call: Call): Promise<T> {
    this.calls += 1;
    if (call.method !== undefined && call.method !== "GET") this.writes.push(`${call.method} ${call.path}`);
    return this.#client.request<T>(call);
  }

  stream(call: Call, signal: AbortSignal): Promise<IncomingMessage> {
    return this.#client.stream(call, signal);
  }
}

/** Starts an operator in this process, with a real API server. */
export function startOperator(client: Watcher, namespaces: readonly string[], podAdminPort: number) {
  const counting = new CountingClient(client);
  const { log, lines } = recordedLog();
  const controller = new Controller({
    client: counting,
    clock: systemClock,
    random: Math.random,
    newToken: newAdminToken,
    log,
    namespaces,
    identity: "operator",
    lease: undefined,
    render: RENDER,
    sidecar: () => "On",
    podAdminPort,
  });
  const stopping = new AbortController();
  const done = controller.run(stopping.signal);
  const stop = async (): Promise<void> => {
    stopping.abort();
    await done;
  };
  onTestFinished(stop);
  return { controller, writes: counting.writes, client: counting, lines, stop };
}

/** Waits for a state of the API server; asks only ten times a second, to leave it CPU for its work. */
export function eventually(what: string, holds: () => Promise<boolean>, ms = 30_000): Promise<void> {
  return until(
    what,
    async () => {
      const held = await holds();
      if (!held) await new Promise((resolve) => setTimeout(resolve, 100));
      return held;
    },
    ms,
  );
}

/** The objects of a kind. */
export async function listOf<T extends KubeObject>(client: Watcher, kind: KindName, namespace: string): Promise<T[]> {
  const { items } = await client.request<{ readonly items: T[] | null }>({ path: pathOf(KINDS[kind], namespace) });
  return items ?? [];
}

export type Proxy = KubeObject & { readonly spec: Record<string, unknown>; readonly status?: WebSocketProxyStatus };

export function conditionOf(proxy: Proxy | undefined, type: string): string {
  const found = proxy?.status?.conditions?.find((one) => one.type === type);
  return `${found?.status} ${found?.reason}`;
}

type Pod = KubeObject & { readonly status?: { readonly podIP?: string } };

/** Stands for the nodes: marks pods of the Deployments as running and reports the config of the API for them. */
export class PodReports {
  port = 0;
  readonly #client: Watcher;
  readonly #namespace: string;
  readonly #servers: Server[] = [];
  #running = new Set<string>();

  constructor(client: Watcher, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
    onTestFinished(() => {
      for (const server of this.#servers) server.close().closeAllConnections();
    });
  }

  async reserve(): Promise<number> {
    this.port = await this.#listen("127.0.0.2", 0);
    return this.port;
  }

  /** Marks one more pod of the proxy as running and ready; resolves with its name. */
  async run(label: string): Promise<string> {
    let pod: Pod | undefined;
    await eventually(`there is a pod of ${label} that does not run yet`, async () => {
      const pods = await listOf<Pod>(this.#client, "Pod", this.#namespace);
      pod = pods.find(({ metadata }) => metadata.labels?.[PROXY_LABEL] === label && !this.#running.has(metadata.name));
      return pod !== undefined;
    });
    const name = pod?.metadata.name ?? "";
    this.#running.add(name);
    const status = { phase: "Running", podIP: "127.0.0.2", podIPs: [{ ip: "127.0.0.2" }], conditions: [READY] };
    await this.#client.request({
      method: "PATCH",
      path: `${pathOf(KINDS.Pod, this.#namespace, name)}/status`,
      contentType: "application/merge-patch+json",
      body: { status },
    });
    return name;
  }

  async #listen(address: string, port: number): Promise<number> {
    const server = createServer((request, response) => {
      this.#report(request.headers.authorization).then(
        (report) => {
          const head = { "content-type": "application/json" };
          response.writeHead(report.proxies.length === 0 ? 401 : 200, head).end(JSON.stringify(report));
        },
        () => response.destroy(), // the control plane may end before its client
      );
    });
    this.#servers.push(server);
    server.listen(port, address);
    await once(server, "listening");
    return (server.address() as { port: number }).port;
  }

  /** All pods have one address; the token says which proxy the report is about. */
  async #report(authorization = ""): Promise<ConfigReport> {
    const secrets = await listOf<Data>(this.#client, "Secret", this.#namespace);
    const maps = await listOf<Data>(this.#client, "ConfigMap", this.#namespace);
    const bearer = ({ data }: Data): string =>
      `Bearer ${Buffer.from(data?.[ADMIN_TOKEN_KEY] ?? "", "base64").toString("utf8")}`;
    const asked = secrets.find(
      (secret) => secret.data?.[ADMIN_TOKEN_KEY] !== undefined && bearer(secret) === authorization,
    );
    const proxies = secrets
      .filter(({ data }) => data?.[PACKED.configHash] !== undefined)
      .filter(
        ({ metadata }) =>
          asked !== undefined && metadata.labels?.[PROXY_LABEL] === asked.metadata.labels?.[PROXY_LABEL],
      )
      .map(({ data, metadata }) => {
        const [owner] = metadata.ownerReferences ?? [];
        const label = metadata.labels?.[PROXY_LABEL];
        const map = maps.find(
          (one) => one.metadata.labels?.[PROXY_LABEL] === label && one.data?.[PACKED.endpointsHash],
        );
        return {
          proxy: `${this.#namespace}/${owner?.name}`,
          hash: Buffer.from(data?.[PACKED.configHash] ?? "", "base64").toString("utf8"),
          endpointsHash: map?.data?.[PACKED.endpointsHash],
        };
      });
    return { proxies, more: 0 };
  }
}

const READY = { type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" };

interface Data extends KubeObject {
  readonly data?: Record<string, string>;
}

import type { ServerResponse } from "node:http";
import type { AdminCall, FakeAdminProcess } from "./admin-process.ts";
import type { ProxyCluster } from "./proxy-cluster.ts";

// A proxy `demo/chat` of a fake cluster, as `wsproxy status` reads it.

const HASH = "a".repeat(64);

interface Said {
  readonly generation?: number;
  readonly hash?: string;
  readonly rejected?: object;
  readonly metrics?: string;
  readonly refusals?: readonly object[];
}

/** Metrics of a process with three sessions. */
export const FIGURES = `wsproxy_connections{proxy="demo/chat",route="main"} 3
wsproxy_connections_limit{proxy="demo/chat"} 100
wsproxy_ready{proxy="demo/chat"} 1
wsproxy_buffer_budget_bytes 1000000
wsproxy_buffer_budget_used_bytes 1000
`;

/** Lets a process answer what status asks. */
export function says(process: FakeAdminProcess, said: Said = {}): void {
  const { generation = 1, hash = HASH, rejected, metrics = FIGURES, refusals = [] } = said;
  const report = { proxy: "demo/chat", hash, generation, ...(rejected === undefined ? {} : { rejected }) };
  process.answer = ({ path, query }: AdminCall, response: ServerResponse) => {
    if (path === "/config") response.end(JSON.stringify({ proxies: [report], more: 0, aNewerField: 1 }));
    else if (path === "/metrics") response.end(metrics);
    else if (path === "/debug/events" && query["outcome"] === "refused") {
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(`event: watching\ndata: {"at":"","proxies":[],"payload":false}\n\n`);
      for (const one of refusals) response.write(`event: handshake\ndata: ${JSON.stringify(one)}\n\n`);
    } else return false;
    return true;
  };
}

/** A refusal that a process has kept. */
export function refusal(reason: string, status: number, secondsAgo: number, more: object = {}): object {
  const at = new Date(Date.now() - 1000 * secondsAgo).toISOString();
  return { at, proxy: "demo/chat", reason, status, route: "main", address: "192.0.2.7", past: true, ...more };
}

const WELL = { type: "Ready", status: "True" };
/** RFC 3339. */
export const minutesAgo = (minutes: number): string => new Date(Date.now() - 60_000 * minutes).toISOString();

/** A condition of a WebSocketProxy. */
export function condition(type: string, status = "True", reason = type, message = "all is well"): object {
  return { type, status, reason, message, observedGeneration: 1, lastTransitionTime: minutesAgo(61) };
}

const GOOD = ["Accepted", "ResolvedRefs", "Programmed", "Ready"].map((type) => condition(type));

/** A WebSocketProxy as the API server has it. */
export function proxy(
  cluster: ProxyCluster,
  { spec = {}, status = {} }: { spec?: object; status?: object } = {},
): void {
  const dataplane = { configHash: HASH, selector: "wsproxy.dev/proxy=wsproxy-chat" };
  cluster.api.put({
    apiVersion: "wsproxy.dev/v1alpha1",
    kind: "WebSocketProxy",
    metadata: { name: "chat", namespace: "demo" },
    spec: { routes: [{ name: "main", backends: [{ service: "echo", port: 8080 }] }], ...spec },
    status: { observedGeneration: 1, conditions: GOOD, dataplane, ...status },
  });
}

/** The EndpointSlice of a Service, with an address for each. */
export function endpoints(cluster: ProxyCluster, service: string, ready: readonly boolean[]): void {
  cluster.api.put({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${service}-x`, namespace: "demo", labels: { "kubernetes.io/service-name": service } },
    endpoints: ready.map((it, index) => ({ addresses: [`10.0.0.${index + 1}`], conditions: { ready: it } })),
  });
}

/** The status of a pod that is ready; `container`: more of its container. */
export function podStatus(more: object = {}, container: object = {}): object {
  const containerStatuses = [{ name: "dataplane", restartCount: 0, state: { running: {} }, ...container }];
  return { status: { phase: "Running", conditions: [WELL], containerStatuses, ...more } };
}

import { onTestFinished } from "vitest";
import { Controller, type ControllerOptions } from "../../operator/controller.ts";
import { KubeClient } from "../../operator/kube/client.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import { newAdminToken } from "../../cli/serving/admin-token.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { ApiCall } from "./api-call.ts";
import { FakeApiServer } from "./api-server.ts";
import type { ApiObject } from "./api-server-store.ts";
import { DataplanePodFakes } from "./dataplane-pod.ts";
import { recordedLog } from "./kube-bench.ts";
import { until } from "./sockets.ts";

/** An operator that runs until the test stops it. */
export interface Running {
  readonly controller: Controller;
  readonly lines: string[];
  /** Stops gracefully. */
  stop(): Promise<void>;
}

/** A scripted API server, pods that report their config, and operators. */
export class OperatorBench {
  readonly server: FakeApiServer;
  readonly pods: DataplanePodFakes;
  #started = 0;

  private constructor(server: FakeApiServer) {
    this.server = server;
    this.pods = new DataplanePodFakes(server);
  }

  static async start(admit?: (object: ApiObject) => ApiObject): Promise<OperatorBench> {
    const bench = new OperatorBench(await FakeApiServer.start(admit));
    await bench.pods.reserve();
    return bench;
  }

  /** A bench on which everything of `demo/chat` is as it should be. */
  static async settled(admit?: (object: ApiObject) => ApiObject): Promise<OperatorBench> {
    const bench = await OperatorBench.start(admit);
    putAll(bench.server);
    bench.operator();
    await until("it has a status", () => bench.status() !== undefined);
    await bench.quiet();
    return bench;
  }

  /** Starts an operator, in this process. */
  operator(options: Partial<ControllerOptions> = {}): Running {
    const { clock = systemClock } = options;
    const client = new KubeClient(this.server.kubeConfig(), clock);
    const { log, lines } = recordedLog();
    this.#started += 1;
    const controller = new Controller({
      client,
      clock,
      random: Math.random,
      newToken: newAdminToken,
      log,
      namespaces: undefined,
      identity: `operator-${this.#started}`,
      lease: undefined,
      render: RENDER,
      sidecar: () => "On",
      podAdminPort: this.pods.port,
      ...options,
    });
    const stopping = new AbortController();
    const done = controller.run(stopping.signal);
    const stop = async (): Promise<void> => {
      stopping.abort();
      await done;
      client.close();
    };
    onTestFinished(stop);
    return { controller, lines, stop };
  }

  status(name = "chat"): WebSocketProxyStatus | undefined {
    return (this.server.get("WebSocketProxy", "demo", name) as { status?: WebSocketProxyStatus } | undefined)?.status;
  }

  /** `True Programmed` of one condition. */
  condition(type: string, name = "chat"): string {
    const found = this.status(name)?.conditions?.find((one) => one.type === type);
    return `${found?.status} ${found?.reason}`;
  }

  /** An edit of `demo/<name>`: its next generation. */
  edit(spec: Record<string, unknown>, name = "chat"): void {
    const status = this.server.get("WebSocketProxy", "demo", name)?.["status"];
    this.server.put({ ...proxy(name, spec), status });
  }

  /** Every `Programmed RollingOut`, `Ready Ready` that a status ever had. */
  everSaid(name = "chat"): ReadonlySet<string> {
    const all = this.server.store.since(0).flatMap(({ after }) => {
      if (after?.kind !== "WebSocketProxy" || after.metadata.name !== name) return [];
      return (after["status"] as WebSocketProxyStatus | undefined)?.conditions ?? [];
    });
    return new Set(all.map(({ type, reason }) => `${type} ${reason}`));
  }

  /** Writes other than Events, as `PATCH Secret wsproxy-chat-config-0`, in order. */
  writes(from = 0): string[] {
    return this.server.writes.slice(from).filter(isNoEvent).map(written);
  }

  /** Waits until the operator sends no more calls: counted in turns of the event loop, so that a computing pass is waited for. */
  async quiet(ms = 200): Promise<void> {
    let seen = -1;
    let turns = 0;
    await until("nothing is asked for any more", () => {
      turns = this.server.calls.length === seen ? turns + 1 : 0;
      seen = this.server.calls.length;
      return turns * 2 >= ms;
    });
  }
}

export const RENDER = {
  image: "registry.example/wsproxy:1",
  imagePullPolicy: "IfNotPresent",
  operatorNamespace: "wsproxy-system",
  monitoringNamespaces: [],
} as const;

function isNoEvent({ path }: ApiCall): boolean {
  return !path.includes("/events");
}

/** `PATCH secrets/wsproxy-chat-config-0`. */
function written({ method, path }: ApiCall): string {
  return `${method} ${path.replace(/^.*\/namespaces\/[^/]+\//, "")}`;
}

/** A WebSocketProxy `demo/<name>` with one route to the Service `echo`, and API keys from Secrets labelled `keys: chat`; it wants one pod. */
export function proxy(name = "chat", spec: Record<string, unknown> = {}): ApiObject {
  return {
    apiVersion: "wsproxy.dev/v1alpha1",
    kind: "WebSocketProxy",
    metadata: { name, namespace: "demo" },
    spec: {
      gateway: { replicas: 1 },
      routes: [
        {
          name: "main",
          backends: [{ service: "echo", port: 80 }],
          policies: { authentication: { apiKey: { secretSelector: { matchLabels: { keys: "chat" } } } } },
        },
      ],
      ...spec,
    },
  };
}

/** A Secret `demo/keys` with API keys: client id → key. */
export function keys(entries: Readonly<Record<string, string>>, name = "keys"): ApiObject {
  const data = Object.entries(entries).map(([client, key]) => [client, Buffer.from(key).toString("base64")]);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name, namespace: "demo", labels: { keys: "chat" } },
    type: "Opaque",
    data: Object.fromEntries(data),
  };
}

/** The Service `demo/echo`, port 80. */
export function service(name = "echo"): ApiObject {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace: "demo" },
    spec: { type: "ClusterIP", ports: [{ port: 80, protocol: "TCP" }] },
  };
}

/** The EndpointSlice of the Service. */
export function slice(addresses: readonly string[], name = "echo"): ApiObject {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: `${name}-1`, namespace: "demo", labels: { "kubernetes.io/service-name": name } },
    addressType: "IPv4",
    ports: [{ port: 8080, protocol: "TCP" }],
    endpoints: addresses.map((address) => ({ addresses: [address], conditions: { ready: true } })),
  };
}

/** Creates every object that one proxy needs, and the proxy. */
export function putAll(server: FakeApiServer, name = "chat"): void {
  for (const object of [service(), slice(["10.0.0.1"]), keys({ alice: "alices-own-key-0001" }), proxy(name)])
    server.put(object);
}

import { onTestFinished } from "vitest";
import { clusterTarget } from "../../cli/live/cluster/cluster-target.ts";
import type { FollowTimes } from "../../cli/live/follow.ts";
import { debugEndpoints } from "../../cli/debug/debug-endpoints.ts";
import { AdminGate } from "../../runtime/admin-port/admin-gate.ts";
import { adminServer } from "../../runtime/admin-port/admin-server.ts";
import type { ProxyCluster } from "./proxy-cluster.ts";

const QUICK: FollowTimes = { look: 20, firstWait: 10, longestWait: 50, silence: 60_000 };
export interface Told {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** The debug server of a proxy of a fake cluster, and a page that asks it. */
export class DebugClient {
  readonly #url: string;

  private constructor(port: number) {
    this.#url = `http://127.0.0.1:${port}`;
  }

  static async open(cluster: ProxyCluster): Promise<DebugClient> {
    const stop = new AbortController();
    const { proxy, kubeconfig } = cluster;
    const typed = { in: "cluster", proxy, kubeconfig, namespace: undefined, context: undefined } as const;
    const target = await clusterTarget(typed, stop.signal);
    const gate = new AdminGate();
    gate.use("of-the-page");
    const server = await adminServer(debugEndpoints(target, stop.signal, QUICK), "127.0.0.1", 0, { gate });
    onTestFinished(async () => {
      stop.abort();
      await server.close();
      target.close();
    });
    return new DebugClient(server.port);
  }

  ask(path: string, method = "GET", token = "of-the-page", signal?: AbortSignal): Promise<Response> {
    return fetch(`${this.#url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}` },
      ...(signal === undefined ? {} : { signal }),
    });
  }

  async json(path: string): Promise<Record<string, unknown>> {
    return (await this.ask(path)).json() as Promise<Record<string, unknown>>;
  }

  /** Status and sentence. */
  async refused(path: string, method = "GET"): Promise<string> {
    const response = await this.ask(path, method);
    return `${response.status} ${(await response.text()).trim()}`;
  }

  /** Watches a stream. */
  async watch(path: string): Promise<{ told: Told[]; leave: () => void; ended: () => boolean }> {
    const left = new AbortController();
    onTestFinished(() => left.abort());
    const response = await this.ask(path, "GET", "of-the-page", left.signal);
    if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
    const told: Told[] = [];
    let [text, over] = ["", false];
    void (async () => {
      const decoder = new TextDecoder();
      for await (const piece of response.body ?? []) {
        text += decoder.decode(piece, { stream: true });
        const events = text.split("\n\n");
        text = events.pop() ?? "";
        for (const event of events) {
          const [, name = "", data = ""] = /^event: (.*)\ndata: (.*)$/.exec(event) ?? [];
          if (name !== "") told.push({ name, data: JSON.parse(data) as Told["data"] });
        }
      }
    })()
      .catch(() => {})
      .finally(() => (over = true));
    return { told, leave: () => left.abort(), ended: () => over };
  }
}

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import type { V1Pod } from "@kubernetes/client-node";
import { ADMIN_PORT, ADMIN_TOKEN_KEY, INJECTED_LABEL, PROXY_LABEL } from "../../api/meta.ts";
import { ApiError } from "../../operator/kube/api-error.ts";
import { KINDS, type Kind } from "../../operator/kube/kinds.ts";
import type { Provider } from "./provider.ts";
import { toolPath } from "./tools.ts";

/** What a port-forward needs of the cluster. */
interface ForwardingCluster {
  readonly provider: Pick<Provider, "kubeconfig">;
  get<T>(kind: Kind, namespace: string | undefined, name: string): Promise<T | undefined>;
  onEnd(work: () => Promise<unknown>): void;
}

interface Forward {
  readonly child: ChildProcess;
  /** On 127.0.0.1. */
  readonly port: number;
}

/** Milliseconds for kubectl to listen, and for a pod to answer. */
const PATIENCE = 10_000;

/**
 * Closed endpoints of pods' admin ports, asked as people ask them: with the token of the proxy's Secret, through a
 * port-forward. The API server's own proxy would keep the credential for itself.
 */
export class AdminPorts {
  readonly #cluster: ForwardingCluster;
  /** By the pod's uid; one stays for all questions. */
  readonly #forwards = new Map<string, Promise<Forward>>();

  constructor(cluster: ForwardingCluster) {
    this.#cluster = cluster;
  }

  /** What a pod answers; rejects as a call to the API server does that may be made again, where it does not. */
  async ask<T>(pod: V1Pod, path: string): Promise<T> {
    const uid = pod.metadata?.uid ?? "";
    const forward = this.#forwards.get(uid) ?? this.#start(pod);
    this.#forwards.set(uid, forward);
    const call = { path: `${pod.metadata?.name}${path}` };
    try {
      const { port } = await forward;
      const headers = { authorization: `Bearer ${await this.#token(pod)}` };
      const signal = AbortSignal.timeout(PATIENCE);
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers, signal });
      const text = await response.text();
      // A pod that has just got its token may not know it yet.
      if (response.status !== 200)
        throw new ApiError(call, response.status === 401 ? 0 : response.status, "Refused", text);
      return JSON.parse(text) as T;
    } catch (error) {
      if (error instanceof ApiError) throw error;
      this.#forwards.delete(uid);
      await forward.then(
        ({ child }) => child.kill(),
        () => {},
      );
      throw new ApiError(call, 0, "Unreachable", String(error), undefined, { cause: error });
    }
  }

  async #token({ metadata }: V1Pod): Promise<string> {
    const labels = metadata?.labels ?? {};
    const name = `${labels[INJECTED_LABEL] ?? labels[PROXY_LABEL]}-admin`;
    const secret = await this.#cluster.get<{ data?: Record<string, string> }>(KINDS.Secret, metadata?.namespace, name);
    return Buffer.from(secret?.data?.[ADMIN_TOKEN_KEY] ?? "", "base64").toString("utf8");
  }

  async #start({ metadata }: V1Pod): Promise<Forward> {
    const args = ["--namespace", metadata?.namespace ?? "", "port-forward", `pod/${metadata?.name}`, `:${ADMIN_PORT}`];
    const env = { ...process.env, KUBECONFIG: this.#cluster.provider.kubeconfig };
    const child = spawn(toolPath("kubectl"), args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const exit = once(child, "close").catch(() => {});
    this.#cluster.onEnd(async () => {
      child.kill();
      await exit;
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    const port = new Promise<number>((resolve, reject) => {
      child.stdout.on("data", (chunk: Buffer) => {
        const [, number] = /^Forwarding from 127\.0\.0\.1:(\d+) /m.exec(chunk.toString()) ?? [];
        if (number !== undefined) resolve(Number(number));
      });
      child.on("error", reject);
      child.on("close", () => reject(new Error(`kubectl port-forward ended: ${said}`)));
      setTimeout(() => reject(new Error("kubectl port-forward does not listen")), PATIENCE).unref();
    });
    return { child, port: await port };
  }
}

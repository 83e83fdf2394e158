import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { namesOf } from "../../operator/render/names.ts";
import { hashOf } from "../../runtime/packed-text.ts";
import { FakeAdminProcess, type FakeSession } from "./admin-process.ts";
import { FakeApiServer } from "./api-server.ts";
import { PortForwards } from "./port-forwards.ts";
import { temporaryFolder } from "./program.ts";

const NAMESPACE = "demo";

/** A fake cluster with one proxy: its Secret, its pods, and the admin port of each behind a port-forward. */
export class ProxyCluster {
  readonly api: FakeApiServer;
  readonly forwards: PortForwards;
  readonly proxy: string;
  /** File of a kubeconfig that leads here; its context has the namespace of the proxy. */
  readonly kubeconfig: string;
  readonly #base: string;

  private constructor(api: FakeApiServer, proxy: string, kubeconfig: string) {
    this.api = api;
    this.forwards = new PortForwards(api);
    this.proxy = proxy;
    this.kubeconfig = kubeconfig;
    const { base, admin } = namesOf(proxy, hashOf);
    this.#base = base;
    const data = { token: Buffer.from("the-token").toString("base64") };
    api.put({ apiVersion: "v1", kind: "Secret", metadata: { name: admin, namespace: NAMESPACE }, data });
  }

  static async start(proxy = "chat"): Promise<ProxyCluster> {
    const api = await FakeApiServer.start();
    const kubeconfig = join(await temporaryFolder(), "kubeconfig");
    const config = {
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "fake", cluster: { server: `${api.url}/`, "insecure-skip-tls-verify": true } }],
      users: [{ name: "tester", user: { token: "of-the-api" } }],
      contexts: [{ name: "here", context: { cluster: "fake", user: "tester", namespace: NAMESPACE } }],
      "current-context": "here",
    };
    await writeFile(kubeconfig, stringify(config));
    return new ProxyCluster(api, proxy, kubeconfig);
  }

  /** Arguments with which a command finds the proxy. */
  get args(): readonly string[] {
    return [this.proxy, "--kubeconfig", this.kubeconfig];
  }

  /** A running pod of mode Gateway, with its process. */
  async pod(name: string, sessions: readonly FakeSession[] = [], more: object = {}): Promise<FakeAdminProcess> {
    const process = await FakeAdminProcess.start(sessions);
    this.gateway(name, process.port, more);
    return process;
  }

  /** A running pod of mode Gateway whose admin port is this port of this machine. */
  gateway(name: string, port: number, more: object = {}): void {
    this.answers(name, port);
    this.put(name, { "app.kubernetes.io/component": "dataplane", "wsproxy.dev/proxy": this.#base }, more);
  }

  /** From now on the admin port of a pod is this port of this machine; undefined: its node does not reach it. */
  answers(name: string, port: number | undefined): void {
    this.forwards.ports.set(`${NAMESPACE}/${name}:9090`, port);
    this.forwards.cut(name);
  }

  /** A running pod of mode Sidecar. */
  async injected(name: string, adminPort: number, sessions: readonly FakeSession[] = []): Promise<FakeAdminProcess> {
    const process = await FakeAdminProcess.start(sessions);
    this.forwards.ports.set(`${NAMESPACE}/${name}:${adminPort}`, process.port);
    const ports = [{ name: "wsproxy-admin", containerPort: adminPort }];
    this.put(
      name,
      { "wsproxy.dev/inject": this.proxy, "wsproxy.dev/injected": this.#base },
      {
        spec: { initContainers: [{ name: "wsproxy", restartPolicy: "Always", ports }] },
        status: { phase: "Pending", initContainerStatuses: [{ name: "wsproxy", state: { running: {} } }] },
      },
    );
    return process;
  }

  /** A pod as the API server has it. */
  put(name: string, labels: Readonly<Record<string, string>>, more: object = {}): void {
    const ownerReferences = [{ uid: "rs", kind: "ReplicaSet", name: this.#base, controller: true }];
    const containerStatuses = [{ name: "dataplane", state: { running: {} } }];
    const status = { phase: "Running", containerStatuses };
    const metadata = { name, namespace: NAMESPACE, labels, ownerReferences };
    this.api.put({ apiVersion: "v1", kind: "Pod", metadata, status, ...more });
  }

  /** The pod is gone at once, with its connections. */
  remove(name: string): void {
    this.api.delete("Pod", NAMESPACE, name);
    for (const key of this.forwards.ports.keys()) {
      if (key.startsWith(`${NAMESPACE}/${name}:`)) this.forwards.ports.delete(key);
    }
    this.forwards.cut(name);
  }
}

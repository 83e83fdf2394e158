import { execFileSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KubeConfig } from "@kubernetes/client-node";
import { KubeClient } from "../../operator/kube/client.ts";
import { systemClock } from "../../runtime/clock.ts";
import { freePort } from "../fakes/program.ts";
import { Authority, signingKey, type Pair } from "./certificates.ts";
import { Daemon } from "./daemon.ts";
import { EtcdGateway } from "./etcd-gateway.ts";

export interface ControlPlaneOptions {
  /**
   * Runs the controllers too: they delete children of deleted owners and create ReplicaSets and Pods. There is no node.
   */
  readonly controllerManager?: boolean;
  /**
   * The API server reaches webhooks by their Services: it dials endpoints itself, since no node routes a Service's address.
   * AlwaysPullImages is on too: a plugin that changes containers.
   */
  readonly webhooks?: boolean;
}

/** How long a daemon may take to become ready on a busy machine, in ms. */
const START = 60_000;
const SERVICES = "10.96.0.0/16";

/** A real Kubernetes without nodes: etcd and an API server on 127.0.0.1, in one temporary folder. */
export class ControlPlane {
  /** For `kubectl --kubeconfig`; the user may do everything. */
  readonly kubeconfig: string;
  readonly etcd: EtcdGateway;
  readonly #folder: string;
  readonly #authority: Authority;
  readonly #bin: string;
  readonly #port: number;
  readonly #options: ControlPlaneOptions;
  #daemons: Daemon[] = [];
  #apiServer: Daemon | undefined;

  private constructor(
    folder: string,
    authority: Authority,
    ports: { etcd: number; api: number },
    options: ControlPlaneOptions,
  ) {
    this.#folder = folder;
    this.kubeconfig = join(folder, "kubeconfig");
    this.#authority = authority;
    this.etcd = new EtcdGateway(`http://127.0.0.1:${ports.etcd}`);
    this.#port = ports.api;
    this.#options = options;
    this.#bin = execFileSync(join(import.meta.dirname, "tools/build.sh"), ["--where"], { encoding: "utf8" }).trim();
  }

  /** Resolves when the API server answers. After a failure the logs stay, and the error names them. */
  static async start(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
    const folder = await mkdtemp(join(tmpdir(), "wsproxy-apiserver-"));
    const ports = { etcd: await freePort(), api: await freePort() };
    const plane = new ControlPlane(folder, await Authority.make(), ports, options);
    try {
      await plane.#start(await freePort());
    } catch (error) {
      await plane.#stopAll();
      throw error;
    }
    return plane;
  }

  /** The user of a client: the administrator, unless told otherwise. */
  async config(user = "admin", group: string | undefined = "system:masters"): Promise<KubeConfig> {
    const config = new KubeConfig();
    config.loadFromString(this.#kubeconfigFor(await this.#authority.client(user, group)));
    return config;
  }

  /** Ends the API server: SIGTERM as in an upgrade, SIGKILL as in a crash. */
  async stopApiServer(signal: "SIGTERM" | "SIGKILL" = "SIGTERM"): Promise<void> {
    await this.#apiServer?.stop(signal);
  }

  async startApiServer(): Promise<void> {
    const { controllerManager = false, webhooks = false } = this.#options;
    const serving = this.#file("serving");
    this.#apiServer = this.#run("kube-apiserver", [
      `--etcd-servers=${this.etcd.url}`,
      "--bind-address=127.0.0.1",
      "--advertise-address=127.0.0.1",
      "--endpoint-reconciler-type=none",
      `--secure-port=${this.#port}`,
      `--tls-cert-file=${serving}.crt`,
      `--tls-private-key-file=${serving}.key`,
      `--client-ca-file=${this.#file("ca.crt")}`,
      "--authorization-mode=RBAC",
      `--service-cluster-ip-range=${SERVICES}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${this.#file("tokens.pub")}`,
      `--service-account-signing-key-file=${this.#file("tokens.key")}`,
      // No controller runs that would make the default ServiceAccount, which every Pod needs.
      ...(controllerManager ? [] : ["--disable-admission-plugins=ServiceAccount"]),
      ...(webhooks ? ["--enable-aggregator-routing=true", "--enable-admission-plugins=AlwaysPullImages"] : []),
      "--profiling=false",
      // Without it the API server waits until its watches end.
      "--shutdown-watch-termination-grace-period=1s",
    ]);
    const client = new KubeClient(await this.config(), systemClock);
    try {
      // /readyz is not enough: the API server creates roles and namespaces a moment later.
      await this.#apiServer.ready(
        async () =>
          (await client.stream({ path: "/readyz", timeout: 2000 }, AbortSignal.timeout(2000))).statusCode === 200,
        START,
      );
      await this.#apiServer.ready(
        async () => (await client.request({ path: "/api/v1/namespaces/default", timeout: 2000 })) !== undefined,
        START,
      );
    } finally {
      client.close();
    }
  }

  /** Ends all processes by their ids and deletes the folder. */
  async stop(): Promise<void> {
    await this.#stopAll();
    await rm(this.#folder, { recursive: true });
  }

  async #start(peerPort: number): Promise<void> {
    const [serving, admin, manager, tokens] = await Promise.all([
      this.#authority.server(),
      this.#authority.client("admin", "system:masters"),
      this.#authority.client("system:kube-controller-manager"),
      signingKey(),
    ]);
    await this.#write("ca.crt", this.#authority.certificate);
    await this.#write("serving.crt", serving.certificate);
    await this.#write("serving.key", serving.privateKey);
    await this.#write("tokens.pub", tokens.publicKey);
    await this.#write("tokens.key", tokens.privateKey);
    await this.#write("kubeconfig", this.#kubeconfigFor(admin));
    await this.#write("controllers.kubeconfig", this.#kubeconfigFor(manager));
    await this.#startEtcd(peerPort);
    await this.startApiServer();
    if (this.#options.controllerManager === true) this.#startControllers();
  }

  async #startEtcd(peerPort: number): Promise<void> {
    const etcd = this.#run("etcd", [
      "--name=test",
      `--data-dir=${this.#file("etcd")}`,
      "--unsafe-no-fsync",
      `--listen-client-urls=${this.etcd.url}`,
      `--advertise-client-urls=${this.etcd.url}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-cluster=test=http://127.0.0.1:${peerPort}`,
      "--log-level=warn",
    ]);
    await etcd.ready(() => this.etcd.healthy(), START);
  }

  #startControllers(): void {
    this.#run("kube-controller-manager", [
      `--kubeconfig=${this.#file("controllers.kubeconfig")}`,
      `--service-account-private-key-file=${this.#file("tokens.key")}`,
      `--root-ca-file=${this.#file("ca.crt")}`,
      "--use-service-account-credentials=true",
      "--leader-elect=false",
      // At the default of 20 calls a second the controllers need five seconds to create their accounts.
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
      "--secure-port=0",
    ]);
  }

  #run(name: string, args: readonly string[]): Daemon {
    const daemon = new Daemon(name, join(this.#bin, name), args, this.#file(`${name}.log`));
    this.#daemons.push(daemon);
    return daemon;
  }

  /** Stops the daemons in reverse order: an API server without etcd would not end cleanly. */
  async #stopAll(): Promise<void> {
    for (const daemon of this.#daemons.splice(0).reverse()) await daemon.stop();
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  #write(name: string, text: string): Promise<void> {
    return writeFile(this.#file(name), text, { mode: 0o600 });
  }

  #kubeconfigFor({ certificate, privateKey }: Pair): string {
    const data = (text: string): string => Buffer.from(text).toString("base64");
    const server = `https://127.0.0.1:${this.#port}`;
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [
        { name: "test", cluster: { server, "certificate-authority-data": data(this.#authority.certificate) } },
      ],
      users: [
        { name: "user", user: { "client-certificate-data": data(certificate), "client-key-data": data(privateKey) } },
      ],
      contexts: [{ name: "test", context: { cluster: "test", user: "user" } }],
      "current-context": "test",
    });
  }
}

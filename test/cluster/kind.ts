import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.ts";
import type { Engine, Provider } from "./provider.ts";
import { buildTools, toolPath } from "./tools.ts";

const NAME = "wsproxy-e2e";
const NODE = `${NAME}-control-plane`;
/** What kind gives to Services and pods. */
const ROUTES = ["10.96.0.0/16", "10.244.0.0/16"];
/** While a static pod's manifest is elsewhere, the kubelet does not run it. */
const MANIFEST = "/etc/kubernetes/manifests/kube-apiserver.yaml";
const ELSEWHERE = "/etc/kubernetes/kube-apiserver.yaml";

/** Kubernetes in a container, by kind. */
export class KindProvider implements Provider {
  readonly name = "kind";
  readonly kubeconfig = join(tmpdir(), `${NAME}.kubeconfig`);
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  async isUp(): Promise<boolean> {
    await buildTools("kind");
    return (await this.#kind("get", "clusters")).split("\n").includes(NAME);
  }

  async up(): Promise<void> {
    await this.down();
    await this.#kind("create", "cluster", "--name", NAME, "--kubeconfig", this.kubeconfig, "--wait", "180s");
    const address = await this.#run(
      "inspect",
      "--format",
      "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
      NODE,
    );
    for (const route of ROUTES) await root("ip", "route", "replace", route, "via", address.trim());
  }

  /** The routes lead through the node's network, and go when it is gone; where other clusters keep it, they are removed. */
  async down(): Promise<void> {
    if (!(await this.isUp())) return;
    for (const route of ROUTES) await root("ip", "route", "del", route).catch(() => {});
    await this.#kind("delete", "cluster", "--name", NAME, "--kubeconfig", this.kubeconfig);
    await rm(this.kubeconfig, { force: true });
  }

  async load(archive: string): Promise<void> {
    await this.#kind("load", "image-archive", archive, "--name", NAME);
  }

  async tag(name: string, other: string): Promise<void> {
    await this.#run("exec", NODE, "ctr", "--namespace", "k8s.io", "images", "tag", "--force", name, other);
  }

  async kill(container: string): Promise<void> {
    await this.#run(
      "exec",
      NODE,
      "ctr",
      ...["--namespace", "k8s.io", "tasks", "kill", "--signal", "SIGKILL", container],
    );
  }

  async stopApiServer(): Promise<void> {
    await this.#run("exec", NODE, "mv", MANIFEST, ELSEWHERE);
    await this.#run(
      "exec",
      NODE,
      "sh",
      "-c",
      "while pgrep -x kube-apiserver; do pkill -KILL -x kube-apiserver; sleep 0.2; done",
    );
  }

  async startApiServer(): Promise<void> {
    await this.#run("exec", NODE, "mv", ELSEWHERE, MANIFEST);
  }

  async logs(folder: string): Promise<void> {
    await this.#kind("export", "logs", folder, "--name", NAME);
  }

  #run(...args: readonly string[]): Promise<string> {
    return command(this.#engine, args);
  }

  #kind(...args: readonly string[]): Promise<string> {
    return command(toolPath("kind"), args, { env: { KIND_EXPERIMENTAL_PROVIDER: this.#engine } });
  }
}

/** Routes are the machine's: only root changes them. */
function root(...args: readonly string[]): Promise<string> {
  return process.getuid?.() === 0 ? command(args[0] ?? "", args.slice(1)) : command("sudo", ["-n", ...args]);
}

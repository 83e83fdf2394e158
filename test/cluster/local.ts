import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";
import { changes, machineState } from "./machine-state.ts";
import type { Provider } from "./provider.ts";

/** The folder that local/settings.sh names. */
const STATE = process.env["WSPROXY_E2E_STATE"] ?? "/tmp/wsproxy-e2e";

/** Kubernetes as processes of this machine: see local/up.sh. */
export class LocalProvider implements Provider {
  readonly name = "local";
  readonly kubeconfig = join(STATE, "kubeconfig");
  #before: Set<string> | undefined;

  isUp(): Promise<boolean> {
    return this.#script("is-up.sh").then(
      () => true,
      () => false,
    );
  }

  async up(): Promise<void> {
    await this.#script("down.sh"); // a dead one's remains are not how the machine was before
    this.#before = await machineState();
    await this.#script("up.sh", String(process.pid));
  }

  /** Rejects where the machine is not as it was. */
  async down(): Promise<void> {
    await this.#script("down.sh");
    if (this.#before === undefined) return;
    const left = changes(this.#before, await machineState());
    if (left.length > 0) throw new Error(left.join("\n"));
  }

  async load(archive: string): Promise<void> {
    await this.#script("load.sh", archive);
  }

  async tag(name: string, other: string): Promise<void> {
    await this.#script("tag.sh", name, other);
  }

  async kill(container: string): Promise<void> {
    await this.#script("kill.sh", container);
  }

  async stopApiServer(): Promise<void> {
    await this.#script("daemon.sh", "stop", "kube-apiserver");
  }

  async startApiServer(): Promise<void> {
    await this.#script("daemon.sh", "start", "kube-apiserver");
  }

  async logs(folder: string): Promise<void> {
    const logs = join(STATE, "logs");
    if (!(await stat(logs).catch(() => undefined))) return;
    await mkdir(folder, { recursive: true });
    // Not Node's, which ends at the first file that is gone before it gets there.
    await command("cp", ["-R", `${logs}/.`, folder]);
  }

  #script(name: string, ...args: readonly string[]): Promise<string> {
    const aloud = name === "up.sh" || name === "down.sh";
    return command(join(import.meta.dirname, "local", name), args, { aloud });
  }
}

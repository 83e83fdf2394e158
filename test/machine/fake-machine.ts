import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What the scripts themselves run; everything else of a machine is a fake. */
const REAL = ["bash", "dirname", "cat", "sha256sum", "cut", "timeout", "sleep"];
const DEBIAN = ["apt-get", "dpkg"];

export interface Machine {
  /** Commands that are there and do nothing. */
  readonly commands?: readonly string[];
  /** Commands that do this, in shell. */
  readonly scripts?: Readonly<Record<string, string>>;
  readonly files?: readonly string[];
  readonly user?: number;
  readonly memoryKib?: number;
  readonly freeKib?: number;
  readonly debian?: boolean;
}

/** The environment of a machine that has this and nothing else, for the scripts of this folder. */
export class FakeMachine {
  readonly env: Readonly<Record<string, string>>;
  readonly #folder = mkdtempSync(join(tmpdir(), "wsproxy-machine-"));

  constructor(machine: Machine = {}) {
    const { commands = [], files = [], user = 0, memoryKib = 8 << 20, freeKib = 100 << 20, debian = true } = machine;
    const [bin, root] = [join(this.#folder, "bin"), join(this.#folder, "root")];
    mkdirSync(bin);
    for (const tool of REAL) symlinkSync(`/usr/bin/${tool}`, join(bin, tool));
    const scripts = {
      ...Object.fromEntries([...commands, ...(debian ? DEBIAN : [])].map((name) => [name, ":"])),
      id: `echo ${user}`,
      df: `echo head; echo "/dev/a 1 1 ${freeKib} 1% /"`,
      ...machine.scripts,
    };
    for (const [name, script] of Object.entries(scripts)) {
      writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`);
      chmodSync(join(bin, name), 0o755);
    }
    for (const file of [...files, "/proc/meminfo"]) {
      mkdirSync(join(root, file, ".."), { recursive: true });
      writeFileSync(join(root, file), `MemTotal: ${memoryKib} kB\n`);
    }
    const cache = join(this.#folder, "cache"); // no tool has been built
    this.env = {
      PATH: bin,
      HOME: this.#folder,
      WSPROXY_MACHINE_ROOT: root,
      WSPROXY_KUBE: cache,
      WSPROXY_ENGINE_SECONDS: "1",
    };
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Commands and files of a machine on which the local cluster runs. */
export const LOCAL: Machine = {
  commands: [
    ...[
      "containerd",
      "ctr",
      "runc",
      "iptables",
      "iptables-save",
      "conntrack",
      "ip",
      "nsenter",
      "unshare",
      "mountpoint",
    ],
    ...["flock", "ps", "openssl", "curl", "buildah", "debootstrap", "unzip", "prometheus", "npm"],
  ],
  files: ["/usr/lib/cni/bridge"],
};

const ANSWERS = 'echo "Server:"; echo " Server Version: 29.1"';
/** An engine by what its command does. */
export const ENGINE = {
  answers: ANSWERS,
  hasNoDaemon: 'echo "Client:"; echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock." >&2; exit 1',
  /** As versions do whose status says nothing. */
  hasNoDaemonAndNoStatus: 'echo "Server:"; echo "ERROR: Cannot connect to the Docker daemon"',
  /** As versions before 25 do. */
  hasNoDaemonAndSaysMore:
    'echo "Client:"; echo "Server:"; echo "ERROR: Cannot connect to the Docker daemon"; echo "errors pretty printing info"; exit 1',
  isPodman:
    'echo "Emulate Docker CLI using podman." >&2; printf "host:\\n  buildahVersion: 1.28.2\\nversion:\\n  Version: 4.3.1\\n"',
  hangs: "sleep 600",
};

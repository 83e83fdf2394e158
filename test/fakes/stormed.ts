import { fork } from "node:child_process";
import { once } from "node:events";
import { onTestFinished } from "vitest";
import { keyPair } from "./certificates.ts";
import { watchHealth, type Health } from "./kubelet.ts";
import { backendManifest } from "./manifests.ts";
import { freePort, Program, temporaryFolder } from "./program.ts";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

export interface StormedParts {
  readonly tls?: boolean;
  /** CIDRs of proxies whose X-Forwarded-For the gateway trusts. */
  readonly trustedProxies?: readonly string[];
  /** Limit of file descriptors of the process; absent: that of this process. */
  readonly descriptors?: number;
  readonly handshake?: string;
  /** Port of an introspection endpoint for the tokens of clients at /token. */
  readonly issuer?: number;
}

/** The program with its admin port, and a backend, each in a process of its own, for tests with a crowd of clients. */
export class Stormed {
  readonly port: number;
  readonly adminPort: number;
  readonly program: Program;

  private constructor(port: number, adminPort: number, program: Program) {
    this.port = port;
    this.adminPort = adminPort;
    this.program = program;
  }

  static async start(parts: StormedParts = {}): Promise<Stormed> {
    const backend = await echo();
    const [folder, port, adminPort] = [await temporaryFolder(), await freePort(), await freePort()];
    const { tls = false, trustedProxies = [], descriptors, handshake = "10s", issuer } = parts;
    const secret = tls ? `\n    tls: { secretName: tls }` : "";
    await writeFile(
      join(folder, "proxy.yaml"),
      `apiVersion: wsproxy.dev/v1alpha1
kind: WebSocketProxy
metadata: { name: chat, namespace: demo }
spec:
  listener:
    port: ${port}
    trustedProxies: ${JSON.stringify(trustedProxies)}${secret}
  dataplane: { drain: { period: 100ms }, maxConnections: 10000 }
  policies: { keepalive: { interval: 1h } } # clients of a crowd answer no ping, and on a busy machine they come for longer than 40 s
  routes:
    - name: main
      backends: [{ service: echo, port: 80 }]
      policies:
        authentication: { require: None }
        timeouts: { handshake: ${handshake} }
${issuer === undefined ? "" : asking(issuer)}`,
    );
    await writeFile(join(folder, "backend.yaml"), backendManifest(backend));
    if (tls) {
      const { certificate, privateKey } = await keyPair();
      const stringData = JSON.stringify({ "tls.crt": certificate, "tls.key": privateKey });
      await writeFile(
        join(folder, "tls.yaml"),
        `apiVersion: v1
kind: Secret
metadata: { name: tls, namespace: demo }
type: kubernetes.io/tls
stringData: ${stringData}
`,
      );
    }
    const limit = descriptors === undefined ? "" : `ulimit -n ${descriptors}; `;
    const command = `${limit}exec bin/wsproxy standalone -f "$0" --admin-port ${adminPort}`;
    const program = new Program(["-c", command, folder], { file: "sh", probed: true });
    await program.says(`http://127.0.0.1:${adminPort}/metrics`);
    await program.says("gateway  ws");
    return new Stormed(port, adminPort, program);
  }

  /** Sum of a metric's samples (its name without `wsproxy_`) whose labels include this text. */
  async metric(name: string, labels = ""): Promise<number> {
    const text = await (await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)).text();
    const lines = text.split("\n").filter((line) => new RegExp(`^wsproxy_${name}[{ ]`).test(line));
    return lines.filter((line) => line.includes(labels)).reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
  }

  /** Probes its health as a kubelet does, until `stop` is called. */
  watchHealth(): { stop: () => Promise<Health> } {
    return watchHealth(this.adminPort, this.program.pid);
  }
}

/** A route with token introspection, and the Secret with the credentials for it. */
function asking(issuer: number): string {
  return `    - name: token
      path: { value: /token }
      backends: [{ service: echo, port: 80 }]
      policies:
        authentication:
          introspection:
            { endpoint: "http://127.0.0.1:${issuer}/", allowHttp: true, credentialsSecretName: issuer }
---
apiVersion: v1
kind: Secret
metadata: { name: issuer, namespace: demo, labels: { wsproxy.dev/use: "true" } }
type: kubernetes.io/basic-auth
stringData: { username: gateway, password: a-password }
`;
}

/** Starts a backend that needs little CPU, in a process of its own; resolves with its port. */
async function echo(): Promise<number> {
  const child = fork(new URL("echo-main.ts", import.meta.url));
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await once(child, "exit");
  });
  const [port] = (await once(child, "message")) as [number];
  return port;
}

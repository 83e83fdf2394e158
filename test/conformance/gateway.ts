import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, open, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { unusedPort, listening } from "../fakes/ports.ts";

/** Runs the program as a user does, in front of one backend, while `visit` goes to its URL; log and manifest stay in `folder`. */
export async function throughGateway<T>(
  backendPort: number,
  folder: string,
  visit: (url: string) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true });
  const port = await unusedPort();
  const manifest = join(folder, "gateway.yaml");
  await writeFile(
    manifest,
    manifests(port, backendPort)
      .map((it) => stringify(it))
      .join("---\n"),
  );
  const log = await open(join(folder, "gateway.log"), "w");
  const program = spawn(
    resolve(import.meta.dirname, "../../bin/wsproxy"),
    ["standalone", "--admin-port", "0", "-f", manifest],
    { stdio: ["ignore", log.fd, log.fd] },
  );
  const ended = once(program, "exit").then(([status]) => {
    if (status !== 0) throw new Error(`the gateway ended with status ${String(status)}: see ${folder}/gateway.log`);
  });
  await log.close();
  try {
    await Promise.race([listening(port), ended]);
    return await visit(`ws://127.0.0.1:${port}`);
  } finally {
    program.kill("SIGTERM");
    await ended;
  }
}

/** One open route; sizes are unlimited, since section 9 sends 16 MiB in a quarter of a million fragments. */
function manifests(port: number, backendPort: number): object[] {
  const metadata = { name: "conformance", namespace: "default" };
  return [
    {
      apiVersion: "wsproxy.dev/v1alpha1",
      kind: "WebSocketProxy",
      metadata,
      spec: {
        dataplane: { drain: { period: "1s" } },
        listener: { port },
        policies: {
          authentication: { require: "None" },
          messageSize: { fromClient: "0", fromBackend: "0", maxFragments: 0 },
        },
        routes: [{ name: "echo", backends: [{ service: "echo", port: 80 }] }],
      },
    },
    {
      apiVersion: "v1",
      kind: "Service",
      metadata: { ...metadata, name: "echo" },
      spec: { ports: [{ port: 80, targetPort: backendPort }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: { ...metadata, name: "echo", labels: { "kubernetes.io/service-name": "echo" } },
      addressType: "IPv4",
      ports: [{ port: backendPort }],
      endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    },
  ];
}

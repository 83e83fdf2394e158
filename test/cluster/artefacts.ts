import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { aborted } from "./aborted.ts";
import { command } from "./command.ts";
import type { Provider } from "./provider.ts";
import { ROOT, toolPath } from "./tools.ts";

/** Where a run leaves what is needed to find out why it failed. */
export const FOLDER = process.env["WSPROXY_E2E_ARTEFACTS"] ?? join(ROOT, ".cache/e2e");

export async function emptyFolder(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
}

/** For one command: a cluster that does not answer is given up soon, in ms. */
const PATIENCE = 60_000;

/** What the cluster says about itself, before the scenario's objects are taken away, and its logs. */
export async function keepState(provider: Provider, folder: string, logs: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const looks = {
    "pods.txt": ["get", "pods", "--all-namespaces", "-o", "wide"],
    "pods-described.txt": ["describe", "pods", "--all-namespaces"],
    "events.txt": ["get", "events", "--all-namespaces", "--sort-by=.metadata.creationTimestamp"],
    "proxies.yaml": ["get", "websocketproxies", "--all-namespaces", "-o", "yaml"],
    "objects.yaml": [
      "get",
      "deployments,replicasets,services,endpointslices,configmaps,leases",
      "--all-namespaces",
      "-o",
      "yaml",
    ],
  };
  for (const [file, args] of Object.entries(looks)) {
    const options = { env: { KUBECONFIG: provider.kubeconfig }, signal: AbortSignal.timeout(PATIENCE) };
    const text = await command(toolPath("kubectl"), [...args, "--request-timeout=10s"], options).catch(String);
    await writeFile(join(folder, file), text);
  }
  await keepLogs(provider, logs);
}

/** The logs of all components and pods so far, beside those that were kept before. */
export async function keepLogs(provider: Provider, folder: string): Promise<void> {
  const kept = Promise.race([provider.logs(folder), aborted(AbortSignal.timeout(PATIENCE))]);
  await kept.catch((error: unknown) => console.error("not all logs could be kept:", error));
}

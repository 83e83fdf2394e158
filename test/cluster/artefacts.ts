import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { command } from "./command.ts";
import type { Provider } from "./provider.ts";
import { ROOT, toolPath } from "./tools.ts";

/** Where a run leaves what is needed to find out why it failed. */
export const FOLDER = process.env["WSPROXY_E2E_ARTEFACTS"] ?? join(ROOT, ".cache/e2e");

export async function emptyFolder(): Promise<void> {
  await rm(FOLDER, { recursive: true, force: true });
  await mkdir(FOLDER, { recursive: true });
}

/** What the cluster says about itself, before the scenario's objects are taken away. */
export async function keepState(provider: Provider, name: string): Promise<void> {
  const folder = join(FOLDER, name);
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
    const env = { KUBECONFIG: provider.kubeconfig };
    const text = await command(toolPath("kubectl"), [...args, "--request-timeout=10s"], { env }).catch(String);
    await writeFile(join(folder, file), text);
  }
  await keepLogs(provider);
}

/** The logs of all components and pods so far. */
export async function keepLogs(provider: Provider): Promise<void> {
  await provider.logs(join(FOLDER, "logs")).catch((error: unknown) => console.error("no logs:", error));
}

import { access, readFile } from "node:fs/promises";
import { KubeConfig } from "@kubernetes/client-node";

/** Where Kubernetes puts a pod's credentials. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Why the operator cannot reach an API server, in words for the person who starts it. */
export class NoKubeConfig extends Error {}

/** How to reach the API server: from a kubeconfig, or without one from our pod's ServiceAccount. Rejects with NoKubeConfig. */
export async function kubeConfig(file: string | undefined): Promise<KubeConfig> {
  const config = new KubeConfig();
  if (file === undefined) {
    const inPod = await access(`${SERVICE_ACCOUNT}/token`).then(
      () => true,
      () => false,
    );
    if (!inPod)
      throw new NoKubeConfig("this is no pod with a ServiceAccount; name a kubeconfig with --kubeconfig FILE");
    config.loadFromCluster();
  } else {
    try {
      config.loadFromString(await readFile(file, "utf8"));
    } catch (cause) {
      // The parser's message quotes the file, which holds credentials.
      const what = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "is not a kubeconfig";
      throw new NoKubeConfig(`--kubeconfig ${file} ${what}`, { cause });
    }
  }
  if (config.getCurrentCluster() === null) throw new NoKubeConfig(`--kubeconfig ${file} has no current context`);
  return config;
}

/** The namespace of our pod; undefined: the process is not in a pod. */
export async function ownNamespace(): Promise<string | undefined> {
  return readFile(`${SERVICE_ACCOUNT}/namespace`, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}

import { access, readFile } from "node:fs/promises";
import { KubeConfig } from "@kubernetes/client-node";

/** Where Kubernetes puts a pod's credentials. */
const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount";

/** Why there is no way to an API server, in words for whoever started the operator. */
export class NoKubeConfig extends Error {}

/** How to reach the API server: by a file, or else as the pod that we are in. Rejects with NoKubeConfig. */
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
      // A parser's own words quote the text, which holds credentials.
      const what = (cause as NodeJS.ErrnoException).code === "ENOENT" ? "does not exist" : "is not a kubeconfig";
      throw new NoKubeConfig(`--kubeconfig ${file} ${what}`, { cause });
    }
  }
  if (config.getCurrentCluster() === null) throw new NoKubeConfig(`--kubeconfig ${file} has no current context`);
  return config;
}

/** The namespace of the pod that we are in; undefined: we are in none. */
export async function ownNamespace(): Promise<string | undefined> {
  return readFile(`${SERVICE_ACCOUNT}/namespace`, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}

import { access } from "node:fs/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { NoKubeConfig } from "./kube-config.ts";

/** Which cluster a person means. */
export interface ClusterChoice {
  /** undefined: as kubectl finds it, in KUBECONFIG, in the home folder, or in our pod. */
  readonly kubeconfig: string | undefined;
  /** undefined: the current one. */
  readonly context: string | undefined;
}

/** What client-node's loader gives where it finds no kubeconfig at all. */
const NOWHERE = "http://localhost:8080";

/** A person's kubeconfig, with its contexts, exec plugins and proxies. Rejects with NoKubeConfig, which quotes no file. */
export async function userKubeConfig({ kubeconfig, context }: ClusterChoice): Promise<KubeConfig> {
  const named = kubeconfig === undefined ? "the kubeconfig" : `--kubeconfig ${kubeconfig}`;
  const config = new KubeConfig();
  if (kubeconfig !== undefined) {
    await access(kubeconfig).catch((cause: unknown) => {
      throw new NoKubeConfig(`${named} does not exist, or you may not read it`, { cause });
    });
  }
  try {
    if (kubeconfig === undefined) config.loadFromDefault();
    else config.loadFromFile(kubeconfig);
  } catch (cause) {
    // The parser's message quotes the file, which holds credentials.
    throw new NoKubeConfig(`${named} cannot be read: a file is missing, or is not a kubeconfig`, { cause });
  }
  if (context !== undefined) {
    if (!config.getContexts().some(({ name }) => name === context)) {
      throw new NoKubeConfig(
        `${named} has no context ${JSON.stringify(context)}; "kubectl config get-contexts" lists them`,
      );
    }
    config.setCurrentContext(context);
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw new NoKubeConfig(`${named} has no current context; name one with --context`);
  if (kubeconfig === undefined && cluster.server === NOWHERE && config.getCurrentUser()?.name === "user") {
    throw new NoKubeConfig(
      "there is no kubeconfig; name one with --kubeconfig FILE, or use --url for a gateway without a cluster",
    );
  }
  // A path is appended to it.
  config.clusters = config.clusters.map((one) => ({ ...one, server: one.server.replace(/\/+$/, "") }));
  return config;
}

/** The namespace of the current context. */
export function contextNamespace(config: KubeConfig): string {
  const namespace = config.getContextObject(config.getCurrentContext())?.namespace ?? "";
  return namespace === "" ? "default" : namespace;
}

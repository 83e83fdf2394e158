import type { V1Deployment } from "@kubernetes/client-node";
import type { Cluster } from "./cluster.ts";

/** The API server is away while this is done; resolves when it is ready again. */
export async function withoutApiServer(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const { provider } = cluster;
  let away = false;
  // It answers before it knows the kinds that CRDs have taught it.
  const isReady = (): Promise<boolean> =>
    cluster.kubectl("get", "--raw", "/readyz", "--request-timeout=2s").then(
      () => true,
      () => false,
    );
  const restore = async (): Promise<void> => {
    if (away) await provider.startApiServer();
    away = false;
    await cluster.until("the API server serves all that it is to", isReady);
  };
  cluster.onEnd(restore);
  away = true;
  await provider.stopApiServer();
  await work();
  await restore();
}

/** No name is resolved in the cluster while this is done. */
export async function withoutNames(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const kubectl = (...args: readonly string[]): Promise<string> => cluster.kubectl("-n", "kube-system", ...args);
  const selector = "k8s-app=kube-dns";
  const path = "deployment/coredns";
  const { spec } = JSON.parse(await kubectl("get", path, "-o", "json")) as V1Deployment;
  const restore = async (): Promise<void> => {
    await kubectl("scale", path, `--replicas=${spec?.replicas ?? 1}`);
    await kubectl("rollout", "status", path, "--timeout=120s");
  };
  cluster.onEnd(restore);
  await kubectl("scale", path, "--replicas=0");
  await kubectl("delete", "pods", "-l", selector, "--now");
  await cluster.until("CoreDNS is gone", async () => (await cluster.pods("kube-system", selector)).length === 0);
  await work();
  await restore();
}

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:tls";
import type { V1MutatingWebhookConfiguration, V1Pod } from "@kubernetes/client-node";
import { KINDS } from "../../operator/kube/kinds.ts";
import { SYSTEM, type Cluster } from "./cluster.ts";
import { isServing } from "./dataplane.ts";
import { operatorPods } from "./operator-pods.ts";

/** Of the chart, with default values. */
export const WEBHOOK_SECRET = "wsproxy-operator-webhook";
const CONFIGURATION = `wsproxy-operator.${SYSTEM}`;
const PORT = 9443;
/** For a handshake with one pod, in ms. */
const PATIENCE = 5000;

/** Serial numbers of the CAs that the API server trusts for the webhook. */
export async function trusted(cluster: Cluster): Promise<string[]> {
  const configuration = await cluster.get<V1MutatingWebhookConfiguration>(
    KINDS.MutatingWebhookConfiguration,
    undefined,
    CONFIGURATION,
  );
  const bundle = atob(configuration?.webhooks?.[0]?.clientConfig.caBundle ?? "");
  const blocks = bundle.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((pem) => new X509Certificate(pem).serialNumber);
}

/** Serial number of the certificate that each pod of the operator serves. */
export async function served(cluster: Cluster): Promise<string[]> {
  return Promise.all((await operatorPods(cluster)).filter(isServing).map(servedBy));
}

async function servedBy({ status }: V1Pod): Promise<string> {
  const socket = connect({ host: status?.podIP, port: PORT, rejectUnauthorized: false });
  try {
    await once(socket, "secureConnect", { signal: AbortSignal.timeout(PATIENCE) });
    return socket.getPeerX509Certificate()?.serialNumber ?? "";
  } finally {
    socket.destroy();
  }
}

/** The operator is away while this is done. */
export async function withoutOperator(cluster: Cluster, work: () => Promise<void>): Promise<void> {
  const scale = (replicas: number): Promise<string> =>
    cluster.kubectl("-n", SYSTEM, "scale", "deployment/wsproxy-operator", `--replicas=${replicas}`);
  let away = true;
  const restore = async (): Promise<void> => {
    if (away) await scale(2);
    away = false;
  };
  cluster.onEnd(restore);
  await scale(0);
  await cluster.until("the operator is gone", async () => (await operatorPods(cluster)).length === 0);
  await work();
  await restore();
}

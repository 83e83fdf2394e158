import { onTestFinished } from "vitest";
import { admit } from "../../operator/admission/admit.ts";
import { WebhookCertificates } from "../../operator/admission/certificates/webhook-certificates.ts";
import { WebhookServer } from "../../operator/admission/server.ts";
import type { Controller } from "../../operator/controller.ts";
import type { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf } from "../../operator/kube/kinds.ts";
import { packer } from "../../operator/platform/packer.ts";
import { systemClock } from "../../runtime/clock.ts";
import { silentLog } from "../fakes/log.ts";
import { RENDER } from "../fakes/operator-bench.ts";
import { quickClock } from "../fakes/quick-clock.ts";
import { until } from "../fakes/sockets.ts";
import { Endpoint } from "./serving-operator.ts";
import { CONFIGURATION, HOME, WEBHOOK, type WebhookPlane } from "./webhook-plane.ts";

/** The webhook of a replica in this process: its certificates with a quick clock, the rest as it is. */
export async function servingReplica(
  plane: WebhookPlane,
  client: KubeClient,
  controller: Controller,
  leading: boolean,
): Promise<Endpoint> {
  const names = { namespace: HOME, secret: WEBHOOK, service: WEBHOOK, configuration: CONFIGURATION };
  const options = { ...names, client, clock: quickClock(60), log: silentLog, leading: () => leading };
  const certificates = new WebhookCertificates({ ...options, source: "operator" });
  const standing = (namespace: string, proxy: string) => controller.standing(namespace, proxy);
  const server = new WebhookServer({
    clock: systemClock,
    log: silentLog,
    ready: () => controller.ready,
    pair: () => certificates.current,
    answer: (review) => admit(review, { settings: RENDER, hash: packer.hash, standing }),
    answered: () => {},
    closed: () => {},
  });
  certificates.onChange(() => server.pairChanged());
  const endpoint = await Endpoint.reserve(plane.client, HOME, WEBHOOK);
  await server.open(endpoint.address, endpoint.port);
  const abort = new AbortController();
  const running = certificates.run(abort.signal);
  onTestFinished(async () => {
    await endpoint.remove();
    server.close();
    abort.abort();
    await running;
  });
  await until("it is usable", () => server.usable, 30_000);
  await endpoint.add();
  return endpoint;
}

/** The certificates that the API server trusts, as PEM. */
export async function bundleOf(plane: WebhookPlane): Promise<string> {
  const path = pathOf(KINDS.MutatingWebhookConfiguration, undefined, CONFIGURATION);
  const { webhooks } = await plane.client.request<{ readonly webhooks: readonly [Webhook] }>({ path });
  return Buffer.from(webhooks[0].clientConfig.caBundle ?? "", "base64").toString();
}

interface Webhook {
  readonly clientConfig: { readonly caBundle?: string };
}

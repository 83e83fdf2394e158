import { admit, type AdmitOptions } from "../../operator/admission/admit.ts";
import { WebhookCertificates } from "../../operator/admission/certificates/webhook-certificates.ts";
import { WebhookServer } from "../../operator/admission/server.ts";
import type { Controller } from "../../operator/controller.ts";
import type { KubeClient } from "../../operator/kube/client.ts";
import { packer } from "../../operator/platform/packer.ts";
import { isAtLeast, serverVersion } from "../../operator/kube/server-version.ts";
import type { RenderSettings } from "../../operator/render/settings.ts";
import type { SidecarSupport } from "../../operator/translate/resources.ts";
import { portUnavailable } from "../../runtime/admin-port/admin-server.ts";
import { systemClock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

/** What the flags say of the webhook. */
export interface WebhookOptions {
  readonly address: string;
  readonly port: number;
  /** Names of its Service and Secret in the operator's namespace, and of its MutatingWebhookConfiguration. */
  readonly service: string;
  readonly secret: string;
  readonly configuration: string;
  /** Which writes Secret and bundle: the operator, or another controller. */
  readonly certificates: "operator" | "secret";
}

/** What the webhook works with. */
export interface WebhookParts extends WebhookOptions {
  readonly client: KubeClient;
  readonly controller: Controller;
  readonly log: Log;
  readonly namespace: string;
  readonly render: RenderSettings;
}

/** The first version of Kubernetes with native sidecars that are on by default. */
const NATIVE_SIDECARS = [1, 29] as const;

/** The webhook of an operator: its port, its certificate and its decision. */
export class Webhook {
  readonly #parts: WebhookParts;
  readonly #certificates: WebhookCertificates;
  readonly #server: WebhookServer;

  constructor(parts: WebhookParts) {
    const { client, controller, log, namespace, service, secret, configuration, certificates } = parts;
    const { metrics } = controller;
    const clock = systemClock;
    this.#parts = parts;
    const decision: AdmitOptions = {
      settings: parts.render,
      hash: packer.hash,
      standing: (inNamespace, proxy) => controller.standing(inNamespace, proxy),
    };
    const leading = (): boolean => controller.leading;
    const names = { namespace, service, secret, configuration };
    const pairs = new WebhookCertificates({ ...names, client, clock, log, source: certificates, leading });
    const server = new WebhookServer({
      clock,
      log,
      ready: () => controller.ready,
      pair: () => pairs.current,
      answer: (review) => admit(review, decision),
      answered: (result, seconds) => metrics.admitted(result, seconds),
      closed: (why) => metrics.webhookClosed(why),
    });
    pairs.onChange(() => server.pairChanged());
    controller.onLead(() => pairs.look());
    metrics.showConnections(() => server.connections);
    metrics.showCertificate(() => pairs.expiry);
    this.#certificates = pairs;
    this.#server = server;
  }

  /** May API servers be led here: could it answer them, or can no replica? */
  get usable(): boolean {
    return (this.#server.usable && this.#certificates.trusted) || this.#certificates.isInVain;
  }

  /** Opens the port, and resolves with its number; rejects with PortUnavailable. */
  async open(): Promise<number> {
    const { address, port } = this.#parts;
    try {
      return (await this.#server.open(address, port)).port;
    } catch (error) {
      throw portUnavailable("webhook", address, port, error);
    }
  }

  /** Serves until aborted, and a while longer. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#certificates.run(signal), this.#server.run(signal)]);
  }

  /** Closes the port and its connections at once. */
  close(): void {
    this.#server.close();
  }
}

/**
 * What of it holds in one namespace. The chart's webhook leaves out kube-system and the operator's own namespace: a labelled
 * pod starts without a gateway there.
 */
export function supportIn(namespace: string, ofOperator: string, support: SidecarSupport): SidecarSupport {
  return support === "On" && (namespace === ofOperator || namespace === "kube-system") ? "NamespaceLeftOut" : support;
}

/** Has the API server native sidecars? Resolves when it has answered. */
export async function sidecarSupport(client: KubeClient, log: Log, signal: AbortSignal): Promise<SidecarSupport> {
  const version = await serverVersion({ client, clock: systemClock, random: Math.random, log }, signal);
  return version === undefined || isAtLeast(version, NATIVE_SIDECARS) ? "On" : "OldServer";
}

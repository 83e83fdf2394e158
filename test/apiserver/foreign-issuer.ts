import type { KubeClient } from "../../operator/kube/client.ts";
import { KINDS, pathOf, type KubeObject } from "../../operator/kube/kinds.ts";
import { Authority } from "../fakes/certificates.ts";
import { CONFIGURATION, HOME, WEBHOOK } from "./webhook-plane.ts";

/** What cert-manager calls itself, as a writer. */
const MANAGER = "cert-manager";
const HOST = `${WEBHOOK}.${HOME}.svc`;

/** Writes the webhook's Secret and its caBundle in the operator's place, as cert-manager and its CA injector do. */
export class ForeignIssuer {
  readonly #client: KubeClient;
  #authority: Authority | undefined;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** A certificate of a new authority, which is trusted first, beside the one before it. */
  async issue(): Promise<void> {
    const before = this.#authority === undefined ? [] : [this.#authority.ca];
    this.#authority = await Authority.create(`Issuer ${before.length + 1}`);
    await this.#trust([...before, this.#authority.ca]);
    const { certificate, privateKey } = await this.#authority.issue({ names: [HOST] });
    const data = { "tls.crt": certificate, "tls.key": privateKey, "ca.crt": this.#authority.ca };
    await this.#apply(pathOf(KINDS.Secret, HOME, WEBHOOK), {
      apiVersion: KINDS.Secret.apiVersion,
      kind: KINDS.Secret.kind,
      type: "kubernetes.io/tls",
      metadata: { name: WEBHOOK, namespace: HOME },
      data: Object.fromEntries(Object.entries(data).map(([key, pem]) => [key, btoa(pem)])),
    });
  }

  /** Which programs have written the Secret. */
  async writers(): Promise<readonly (string | undefined)[]> {
    const path = pathOf(KINDS.Secret, HOME, WEBHOOK);
    const { metadata } = await this.#client.request<KubeObject & Written>({ path });
    return (metadata.managedFields ?? []).map(({ manager }) => manager);
  }

  async #trust(cas: readonly string[]): Promise<void> {
    await this.#apply(pathOf(KINDS.MutatingWebhookConfiguration, undefined, CONFIGURATION), {
      apiVersion: KINDS.MutatingWebhookConfiguration.apiVersion,
      kind: KINDS.MutatingWebhookConfiguration.kind,
      metadata: { name: CONFIGURATION },
      webhooks: [{ name: "inject.wsproxy.dev", clientConfig: { caBundle: btoa(cas.join("\n")) } }],
    });
  }

  async #apply(path: string, body: object): Promise<void> {
    const query = { fieldManager: MANAGER, force: "true" };
    await this.#client.request({ method: "PATCH", path, query, contentType: "application/apply-patch+yaml", body });
  }
}

interface Written {
  readonly metadata: { readonly managedFields?: readonly { readonly manager?: string }[] };
}

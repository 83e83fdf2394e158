import { apply } from "../../kube/apply.ts";
import type { Caller } from "../../kube/call.ts";
import { KINDS, pathOf, type KubeObject } from "../../kube/kinds.ts";
import { record } from "../../kube/record.ts";
import { orMissing, READ_TIMEOUT } from "./pairs-secret.ts";

/** The webhook's name in the configuration that the chart makes. */
export const WEBHOOK = "inject.wsproxy.dev";
/** Longest webhook configuration that is read, in characters: other tools may keep a copy of it in an annotation. */
const LARGEST_CONFIGURATION = 1_048_576;

/** What a leader knows of the webhook configuration. */
export interface ReadBundle {
  /** PEM; empty: there is none. */
  readonly bundle: string;
  readonly version: string | undefined;
}

/** The bundle of our webhook; undefined: there is no such configuration, or our webhook is not in it. */
export async function readBundle(client: Caller, name: string, signal: AbortSignal): Promise<ReadBundle | undefined> {
  const path = pathOf(KINDS.MutatingWebhookConfiguration, undefined, name);
  const bounds = { most: LARGEST_CONFIGURATION, timeout: READ_TIMEOUT, signal };
  const configuration = await orMissing(
    client.request<KubeObject & { readonly webhooks?: unknown }>({ path, ...bounds }),
  );
  const webhooks = Array.isArray(configuration?.webhooks) ? configuration.webhooks.map(record) : [];
  const webhook = webhooks.find((one) => one["name"] === WEBHOOK);
  if (webhook === undefined) return undefined;
  const { caBundle } = record(webhook["clientConfig"]);
  const bundle = typeof caBundle === "string" ? Buffer.from(caBundle, "base64").toString() : "";
  return { bundle, version: configuration?.metadata.resourceVersion };
}

/**
 * Writes the bundle of our webhook, and nothing else: all other fields belong to the chart. It fails (409) if the
 * configuration is not the version that was read, so that it never makes an object and never writes over another leader.
 */
export async function writeBundle(
  client: Caller,
  name: string,
  bundle: string,
  version: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const { apiVersion, kind } = KINDS.MutatingWebhookConfiguration;
  const caBundle = Buffer.from(bundle).toString("base64");
  const metadata = { name, ...(version === undefined ? {} : { resourceVersion: version }) };
  const bundled = { apiVersion, kind, metadata, webhooks: [{ name: WEBHOOK, clientConfig: { caBundle } }] };
  await apply(client, bundled, signal);
}

import type { KubeObject } from "../kube/kinds.ts";
import type { Undecoded } from "../translate/resources.ts";
import { hasLabelsLeftOut, LABELS_LEFT_OUT_WORDS } from "../watch/brief-object.ts";
import { proxyLabelOf, type Cache } from "../watch/cache.ts";
import { refersToSecret, type References } from "../watch/references.ts";

/** Secrets and ConfigMaps that exist, cannot be used and can be named in a status. */
const MOST_UNUSABLE = 100;

const OWN = "is one that the operator made, which no WebSocketProxy can use; name another";

/**
 * Secrets and ConfigMaps to which a proxy refers and which no pass reads, so that the status does not call them missing: the
 * operator's own ones, and Secrets with too many labels for any selector.
 */
export function unusableObjects(cache: Cache, namespace: string, references: References): Undecoded[] {
  const { configMaps, secrets, secretSelectors } = references;
  const named = (kind: "Secret" | "ConfigMap", names: ReadonlySet<string>): KubeObject[] =>
    [...names].flatMap((name) => cache.get(kind, namespace, name) ?? []).filter(isMadeByOperator);
  const selected = cache
    .inNamespace("Secret", namespace)
    .filter((secret) => hasLabelsLeftOut(secret) || (isMadeByOperator(secret) && refersToSecret(references, secret)));
  const everySecret = [...named("Secret", secrets), ...(secretSelectors.length === 0 ? [] : selected)];
  return [
    ...named("ConfigMap", configMaps).map((object) => unusable("ConfigMap", object)),
    ...[...new Set(everySecret)].sort(byName).map((object) => unusable("Secret", object)),
  ].slice(0, MOST_UNUSABLE);
}

/** Did the operator make the object? A proxy cannot name such a Secret: a config made from itself would change in each pass. */
export function isMadeByOperator(object: KubeObject): boolean {
  return proxyLabelOf(object) !== undefined;
}

function unusable(kind: "Secret" | "ConfigMap", object: KubeObject): Undecoded {
  const { namespace = "", name, labels = {} } = object.metadata;
  const metadata = { namespace, name, labels };
  return isMadeByOperator(object)
    ? { kind, metadata, words: OWN, beyond: true }
    : { kind, metadata, words: LABELS_LEFT_OUT_WORDS, beyond: true, labelsLeftOut: true };
}

function byName({ metadata: a }: KubeObject, { metadata: b }: KubeObject): number {
  return a.name < b.name ? -1 : 1;
}

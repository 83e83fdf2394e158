import type { Config } from "../api/config.ts";
import { asksForLabel, type LabelSelector } from "../api/policies/authentication.ts";
import type { KubeObject } from "./kube/kinds.ts";
import { matches } from "./translate/selector.ts";

/** Names of objects in a proxy's own namespace that its translation may look at. */
export interface References {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  /** Of Secrets with API keys. */
  readonly secretSelectors: readonly LabelSelector[];
}

/**
 * What a proxy refers to: as it is written, and as it is in force, since a spec that is not accepted leaves that there.
 * Tolerant: what is malformed refers to nothing, and naming too much costs a look only.
 */
export function referencesOf(manifest: unknown, inForce: Config | undefined): References {
  const found = { secrets: new Set<string>(), configMaps: new Set<string>(), services: new Set<string>() };
  const secretSelectors: LabelSelector[] = [];
  const { listener, policies, routes } = record(record(manifest)["spec"]);
  const everyRoute = [...list(routes), ...(inForce?.routes ?? [])].map(record);
  const add = (names: Set<string>, name: unknown): void => {
    if (typeof name === "string" && name !== "") names.add(name);
  };

  for (const one of [listener, inForce?.listener]) add(found.secrets, record(record(one)["tls"])["secretName"]);

  for (const backend of everyRoute.flatMap((route) => list(route["backends"])).map(record)) {
    const { service, endpoints, tls, basicAuthSecretName } = backend;
    add(found.services, service);
    add(found.services, typeof endpoints === "string" ? endpoints.split(":", 1)[0] : undefined);
    add(found.secrets, record(tls)["caSecretName"]);
    add(found.secrets, record(tls)["clientSecretName"]);
    add(found.secrets, basicAuthSecretName);
  }

  const written = [policies, ...list(routes).map((route) => record(route)["policies"])];
  const settings = written.map((some) => record(some)["authentication"]);
  const old: ReadonlySet<unknown> = new Set(inForce?.policies.authentication);
  for (const one of [...settings, ...old]) {
    const { apiKey, jwt, introspection } = record(one);
    const { secretName, configMapName } = record(record(jwt)["jwks"]);
    add(found.secrets, secretName);
    add(found.configMaps, configMapName);
    add(found.secrets, record(introspection)["credentialsSecretName"]);
    const selector = selectorOf(record(apiKey)["secretSelector"]);
    // One that only excludes is not accepted: it stands where an earlier version accepted it.
    if (selector !== undefined && (old.has(one) || asksForLabel(selector))) secretSelectors.push(selector);
  }
  return { ...found, secretSelectors };
}

/** Is a Secret named, or selected by its labels? */
export function refersToSecret({ secrets, secretSelectors }: References, { metadata }: KubeObject): boolean {
  if (secrets.has(metadata.name)) return true;
  return secretSelectors.some((selector) => matches(selector, metadata.labels ?? {}));
}

const OPERATORS = new Set<unknown>(["In", "NotIn", "Exists", "DoesNotExist"]);

/** A selector that can be asked; one that is malformed, or would select everything, is not accepted anyway. */
function selectorOf(value: unknown): LabelSelector | undefined {
  const { matchLabels, matchExpressions } = record(value);
  const labels = Object.entries(record(matchLabels)).filter((entry): entry is [string, string] => isText(entry[1]));
  const expressions = list(matchExpressions)
    .map(record)
    .filter(({ key, operator }) => isText(key) && OPERATORS.has(operator))
    .map(({ key, operator, values }) => ({ key, operator, values: list(values).filter(isText) }));
  if (labels.length === 0 && expressions.length === 0) return undefined;
  return { matchLabels: Object.fromEntries(labels), matchExpressions: expressions } as LabelSelector;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

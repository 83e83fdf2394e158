import type { Config } from "../../api/config.ts";
import { asksForLabel, type LabelSelector } from "../../api/policies/api-key-method.ts";
import { list, record } from "../../api/unchecked.ts";
import { hasLabelsLeftOut } from "./brief-object.ts";
import type { KubeObject } from "../kube/kinds.ts";
import { DEFAULT_KEY } from "../translate/references/key-set.ts";
import { matches } from "../translate/references/selector.ts";

/** What a proxy refers to in its own namespace: its translation may read these objects and no others. */
export interface References {
  readonly secrets: ReadonlySet<string>;
  readonly configMaps: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
  /** `Secret <name>`, `ConfigMap <name>` → the entries of which the translation uses the values. */
  readonly entries: ReadonlyMap<string, ReadonlySet<string>>;
  /** Select the Secrets with API keys. */
  readonly secretSelectors: readonly LabelSelector[];
}

/** Most names of one kind, the config in force first; a spec with more is not accepted. */
const MOST_NAMES = 8192;
const LONGEST_NAME = 253;

/**
 * What a proxy refers to, in its spec and in its config in force: the latter stays while the spec is not accepted. Never
 * throws: a malformed field refers to nothing, and names that are not needed cost only a read.
 */
export function referencesOf(manifest: unknown, inForce: Config | undefined): References {
  const found = { secrets: new Set<string>(), configMaps: new Set<string>(), services: new Set<string>() };
  const entries = new Map<string, Set<string>>();
  const secretSelectors = new Map<string, LabelSelector>();
  const { listener, store, policies, routes } = record(record(manifest)["spec"]);
  const everyRoute = [...(inForce?.routes ?? []), ...list(routes)].map(record);
  const add = (names: Set<string>, name: unknown): name is string => {
    if (typeof name !== "string" || name === "" || name.length > LONGEST_NAME) return false;
    if (names.size < MOST_NAMES) names.add(name);
    return names.has(name);
  };
  const use = (kind: "Secret" | "ConfigMap", name: unknown, ...keys: readonly unknown[]): void => {
    if (!add(kind === "Secret" ? found.secrets : found.configMaps, name)) return;
    const used = entries.get(`${kind} ${name}`) ?? new Set();
    entries.set(`${kind} ${name}`, used);
    for (const key of keys) add(used, key);
  };

  for (const one of [inForce?.listener, listener])
    use("Secret", record(record(one)["tls"])["secretName"], "tls.crt", "tls.key");

  for (const one of [inForce?.store, store].map(record)) {
    use("Secret", record(one["tls"])["caSecretName"], "ca.crt");
    use("Secret", one["credentialsSecretName"], "username", "password");
  }

  for (const backend of everyRoute.flatMap((route) => list(route["backends"])).map(record)) {
    const { service, endpoints, tls, basicAuthSecretName } = backend;
    add(found.services, service);
    add(found.services, typeof endpoints === "string" ? endpoints.split(":", 1)[0] : undefined);
    use("Secret", record(tls)["caSecretName"], "ca.crt");
    use("Secret", record(tls)["clientSecretName"], "tls.crt", "tls.key");
    use("Secret", basicAuthSecretName, "username", "password");
  }

  const written = [policies, ...list(routes).map((route) => record(route)["policies"])];
  const settings = written.map((some) => record(some)["authentication"]);
  const old: ReadonlySet<unknown> = new Set(inForce?.policies.authentication);
  for (const one of [...old, ...settings]) {
    const { apiKey, jwt, introspection } = record(one);
    for (const issuer of list(jwt)) {
      const { secretName, configMapName, key = DEFAULT_KEY } = record(record(issuer)["jwks"]);
      use("Secret", secretName, key);
      use("ConfigMap", configMapName, key);
    }
    use("Secret", record(introspection)["credentialsSecretName"], "username", "password");
    const selector = selectorOf(record(apiKey)["secretSelector"]);
    // A selector that only excludes is not accepted now, but a config in force may have one from an earlier version.
    if (selector !== undefined && (old.has(one) || asksForLabel(selector))) {
      secretSelectors.set(JSON.stringify(selector), selector);
    }
  }
  return { ...found, entries, secretSelectors: [...secretSelectors.values()] };
}

/** Does the proxy name a Secret, or select it by its labels, as far as they are known? */
export function refersToSecret(references: References, secret: KubeObject): boolean {
  return references.secrets.has(secret.metadata.name) || seemsSelected(references, secret);
}

/** Does the proxy select a Secret by its labels? Its entries are API keys then. */
export function selects(references: References, secret: KubeObject): boolean {
  // A label that is not known may exclude it.
  return !hasLabelsLeftOut(secret) && seemsSelected(references, secret);
}

function seemsSelected({ secretSelectors }: References, { metadata }: KubeObject): boolean {
  return secretSelectors.some((selector) => matches(selector, metadata.labels ?? {}));
}

const OPERATORS = new Set<unknown>(["In", "NotIn", "Exists", "DoesNotExist"]);

/** The well-formed part of a selector; undefined: no part of it is well-formed, or it would select every Secret. */
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

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments, stringify } from "yaml";
import { decode, resourcesOf, type KubernetesObject, type ProxyObject } from "../../operator/gather/decode.ts";
import { tools } from "../../operator/platform/tools.ts";
import { packer } from "../../operator/platform/packer.ts";
import type { RenderSettings } from "../../operator/render/settings.ts";
import { render, type Rendered } from "../../operator/render/render.ts";
import { inCluster } from "../../operator/platform/in-cluster.ts";
import { translate } from "../../operator/translate/translate.ts";
import type { Translation } from "../../operator/translate/translation.ts";
import { readable } from "./readable-manifest.ts";

/** Files that a case's folder may hold besides its outputs. */
export const INPUTS = [
  "resources.yaml", // all objects of the API
  "before.yaml", // the objects before, if the case is about a change
  "surroundings.yaml", // options of the translation that differ from those in a cluster
] as const;
export const OUTPUTS = ["config.yaml", "manifests.yaml", "statuses.yaml"] as const;
export type Output = (typeof OUTPUTS)[number];

/** Settings of the operator that renders the cases. */
export const SETTINGS: RenderSettings = {
  image: "registry.example/wsproxy:1.0.0",
  imagePullPolicy: "IfNotPresent",
  operatorNamespace: "wsproxy-system",
  monitoringNamespaces: [{ "kubernetes.io/metadata.name": "monitoring" }],
};

/** Stands for the random admin token of the operator. */
export const ADMIN_TOKEN = "an-admin-token-of-256-bits-made-at-random-0";

/** A proxy of a case, and its outputs. */
export interface Made extends Translation {
  readonly rendered: Rendered;
}

/** The outputs of a case's proxies, in the order of their names. */
export function translateCase(folder: string, order: "as written" | "reversed" = "as written"): Made[] {
  const surroundings = { ...inCluster, ...(documents(folder, "surroundings.yaml")[0] as object | undefined) };
  const before = new Map<string, Translation>();
  for (const file of ["before.yaml", "resources.yaml"]) {
    const objects = objectsIn(folder, file);
    if (order === "reversed") objects.reverse();
    const made = proxiesIn(objects).map((proxy) => {
      const id = `${proxy.namespace}/${proxy.name}`;
      const { config, service, sidecar } = before.get(id) ?? {};
      const resources = {
        ...resourcesOf(proxy, objects),
        ...(service && { serviceInForce: service }),
        ...(sidecar && { sidecarInForce: sidecar }),
      };
      const translation = translate(resources, config, tools, surroundings);
      before.set(id, translation);
      const owner = { namespace: proxy.namespace, name: proxy.name, uid: `uid of ${id}` };
      return { ...translation, rendered: render(owner, { ...translation, adminToken: ADMIN_TOKEN }, SETTINGS, packer) };
    });
    if (file === "resources.yaml") return made;
  }
  return [];
}

/** The outputs of a case: file → text. */
export function outputsOf(translations: readonly Made[]): Record<Output, string> {
  const write = (values: readonly object[]): string =>
    values.map((value) => stringify(value, { aliasDuplicateObjects: false, lineWidth: 120 })).join("---\n");
  const manifests = translations.flatMap(({ rendered }) => rendered.manifests);
  return {
    "config.yaml": write(
      translations.map(({ config = null, endpoints, infra = null }) => ({ config, endpoints, infra })),
    ),
    "manifests.yaml": manifests.length === 0 ? "# Nothing.\n" : write(manifests.map(readable)),
    "statuses.yaml": write(
      translations.map(({ status, warnings }) => (warnings.length === 0 ? status : { ...status, warnings })),
    ),
  };
}

function objectsIn(folder: string, file: string): KubernetesObject[] {
  return documents(folder, file).flatMap((manifest) => {
    const { objects, undecoded } = decode(manifest);
    return [...objects, ...(undecoded === undefined ? [] : [{ kind: "Undecoded" as const, object: undecoded }])];
  });
}

function proxiesIn(objects: readonly KubernetesObject[]): ProxyObject[] {
  return objects
    .flatMap((object) => (object.kind === "WebSocketProxy" ? [object] : []))
    .sort((a, b) => (`${a.namespace}/${a.name}` < `${b.namespace}/${b.name}` ? -1 : 1));
}

function documents(folder: string, file: string): unknown[] {
  let text: string;
  try {
    text = readFileSync(join(folder, file), "utf8");
  } catch {
    return [];
  }
  return parseAllDocuments(text).map((document): unknown => document.toJS());
}

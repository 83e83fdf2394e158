import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { V1Deployment } from "@kubernetes/client-node";
import { parseAllDocuments } from "yaml";
import type { Cluster } from "./cluster.ts";
import { scriptImage } from "./script-image.ts";
import { ROOT } from "./tools.ts";

const NAME = "wsproxy.test/store:1";
const EXAMPLE = join(ROOT, "examples/valkey");
const FILES = ["login.yaml", "valkey.yaml", "networkpolicy.yaml"];

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

export interface StoreParts {
  readonly image: string;
  readonly namespace: string;
  readonly password: string;
}

/** Where gateways of any namespace reach the store of `exampleStore`. */
export const storeAddress = (namespace: string): string => `valkey.${namespace}.svc:6379`;

/** Makes the image of a store and loads it into the cluster; undefined: this machine has no server to put into one. */
export function storeImage(cluster: Cluster): Promise<string | undefined> {
  return scriptImage(cluster, "store-image.sh", NAME);
}

/** The manifests of examples/valkey without its proxy: Secret `valkey-login`, Deployment and Service `valkey`, the policy. */
export async function exampleStore({ image, namespace, password }: StoreParts): Promise<readonly object[]> {
  const texts = await Promise.all(FILES.map((file) => readFile(join(EXAMPLE, file), "utf8")));
  const manifests = texts.flatMap((text) => parseAllDocuments(text).map((one) => one.toJS() as Manifest));
  return manifests.map((manifest) => {
    const placed = { ...manifest, metadata: { ...manifest.metadata, namespace } };
    if (manifest.kind === "Secret") return { ...placed, stringData: { username: "wsproxy", password } };
    return manifest.kind === "Deployment" ? withImage(placed, image, namespace) : placed;
  });
}

function withImage(deployment: V1Deployment, image: string, namespace: string): V1Deployment {
  const { spec } = deployment;
  const [container] = spec?.template.spec?.containers ?? [];
  if (spec === undefined || container?.args === undefined) throw new Error("the example has no container");
  const args = container.args.map((text) => text.replace("~{demo/*}:*", `~{${namespace}/*}:*`));
  const containers = [Object.assign({}, container, { image, imagePullPolicy: "IfNotPresent", args })];
  const template = { ...spec.template, spec: { ...spec.template.spec, containers } };
  return { ...deployment, spec: { ...spec, template } };
}

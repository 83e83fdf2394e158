import { createHash } from "node:crypto";

/** A package with code in the bundle. */
export interface Bundled {
  readonly name: string;
  readonly version: string;
  /** SPDX expression from its package.json. */
  readonly licence: string;
  /** From package-lock.json: `sha512-…` in base64. */
  readonly integrity: string | undefined;
}

/** The program that a bill of materials is about. */
export interface Subject {
  readonly version: string;
  /** Version of the Node in the image. */
  readonly node: string;
}

/**
 * The bill of materials of the bundle as CycloneDX 1.6 JSON: its packages, and Node. The same contents give the same
 * bytes: it holds no time, and its serial number is a hash of the rest.
 */
export function sbomOf(packages: readonly Bundled[], { version, node }: Subject): string {
  const self = {
    type: "application",
    "bom-ref": `pkg:npm/wsproxy@${version}`,
    name: "wsproxy",
    version,
    licenses: [{ license: { id: "Apache-2.0" } }],
    purl: `pkg:npm/wsproxy@${version}`,
  };
  const runtime = {
    type: "platform",
    "bom-ref": `pkg:generic/node@${node}`,
    name: "node",
    version: node,
    licenses: [{ license: { id: "MIT" } }],
    cpe: `cpe:2.3:a:nodejs:node.js:${node}:*:*:*:*:*:*:*`,
    purl: `pkg:generic/node@${node}`,
  };
  const libraries = packages.map(libraryOf).sort((a, b) => (a.purl < b.purl ? -1 : 1));
  const components = [runtime, ...libraries];
  const content = {
    version: 1,
    metadata: { component: self },
    components,
    dependencies: [{ ref: self["bom-ref"], dependsOn: components.map((component) => component["bom-ref"]) }],
  };
  const serialNumber = `urn:uuid:${uuidOf(JSON.stringify(content))}`;
  const bom = { bomFormat: "CycloneDX", specVersion: "1.6", serialNumber, ...content };
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function libraryOf({ name, version, licence, integrity }: Bundled) {
  const purl = `pkg:npm/${name.replace(/^@/, "%40")}@${version}`;
  const [group, short] = name.startsWith("@") ? name.split("/") : [undefined, name];
  const hash = /^sha512-(.+)$/.exec(integrity ?? "")?.[1];
  return {
    type: "library",
    "bom-ref": purl,
    ...(group === undefined ? {} : { group }),
    name: short,
    version,
    licenses: [/^[A-Za-z0-9.+-]+$/.test(licence) ? { license: { id: licence } } : { expression: licence }],
    ...(hash === undefined
      ? {}
      : { hashes: [{ alg: "SHA-512", content: Buffer.from(hash, "base64").toString("hex") }] }),
    purl,
  };
}

/** A UUID of version 8 (RFC 9562 §5.8) made from a hash of the text. */
function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  const variant = ((Number.parseInt(hex.slice(16, 17), 16) & 3) | 8).toString(16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `8${hex.slice(13, 16)}`,
    `${variant}${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join("-");
}

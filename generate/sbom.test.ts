import { expect, test } from "vitest";
import { sbomOf } from "./sbom.ts";

const integrity = `sha512-${Buffer.alloc(64, 7).toString("base64")}`;
const ws = { name: "ws", version: "8.0.0", licence: "MIT", integrity };
const scoped = { name: "@some/one", version: "1.2.3", licence: "(MIT OR Apache-2.0)", integrity: undefined };
const subject = { version: "1.0.0", node: "24.22.1" };

interface Bom {
  readonly serialNumber: string;
  readonly components: readonly object[];
  readonly dependencies: readonly { readonly dependsOn: readonly string[] }[];
}

test("the same packages in any order give the same bytes, others another serial number", () => {
  expect(sbomOf([ws, scoped], subject)).toBe(sbomOf([scoped, ws], subject));
  const serial = (text: string): string => (JSON.parse(text) as Bom).serialNumber;
  const all = [
    sbomOf([ws, scoped], subject),
    sbomOf([ws], subject),
    sbomOf([ws, scoped], { ...subject, node: "24.22.2" }),
  ];
  expect(new Set(all.map(serial)).size).toBe(3);
  for (const one of all.map(serial)) {
    expect(one).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  }
});

test("a component has name, version, licence, hash and purl; one that several licences hold has an expression", () => {
  const { components, dependencies } = JSON.parse(sbomOf([ws, scoped], subject)) as Bom;
  expect(components).toMatchObject([
    { type: "platform", name: "node", version: "24.22.1", purl: "pkg:generic/node@24.22.1" },
    {
      type: "library",
      group: "@some",
      name: "one",
      licenses: [{ expression: "(MIT OR Apache-2.0)" }],
      purl: "pkg:npm/%40some/one@1.2.3",
    },
    {
      name: "ws",
      version: "8.0.0",
      licenses: [{ license: { id: "MIT" } }],
      hashes: [{ alg: "SHA-512", content: "07".repeat(64) }],
      purl: "pkg:npm/ws@8.0.0",
    },
  ]);
  expect(dependencies[0]?.dependsOn).toHaveLength(3);
});

import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { defineConfig, type Plugin } from "rolldown";
import { sbomOf } from "./generate/sbom.ts";

// The bundle of the image: `wsproxy.js`, files that commands load when they run, the pages of the data plane and the
// sample backend, and the licences and the bill of materials of the bundled packages.
export default defineConfig({
  input: { wsproxy: "cli/main.ts", "reading-thread": "cli/reading/reading-thread.ts" },
  platform: "node",
  output: { dir: "dist", format: "esm", chunkFileNames: "[name].js", cleanDir: true },
  plugins: [companionFiles()],
});

interface Package {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  readonly licence: string;
}

/** Writes the other files of the image beside the bundle. */
function companionFiles(): Plugin {
  return {
    name: "companion-files",
    async writeBundle({ dir = "dist" }, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
      const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id) ?? []));
      const packages = await Promise.all([...folders].sort().map(packageIn));
      await writeFile(join(dir, "licences.txt"), (await Promise.all(packages.map(licenceText))).join("\n"));
      await writeFile(join(dir, "sbom.cdx.json"), await sbom(packages));
      await writeFile(join(dir, "package.json"), '{ "type": "module" }\n');
      await cp("examples/sample-backend/page", join(dir, "page"), { recursive: true });
      await cp("cli/page/debug", join(dir, "debug"), {
        recursive: true,
        filter: (file) => !/\.(?:test\.ts|json)$/.test(file),
      });
    },
  };
}

/** Name, version and licence of a package; fails the build if it names no licence. */
async function packageIn(folder: string): Promise<Package> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly [field: string]: unknown;
  };
  if (typeof license !== "string") throw new Error(`${String(name)} names no licence`);
  return { folder, name: String(name), version: String(version), licence: license };
}

async function licenceText({ folder, name, version, licence }: Package): Promise<string> {
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : `\n${await readFile(join(folder, file), "utf8")}`;
  return `${name} ${version}: ${licence}\n${text}\n${"-".repeat(80)}\n`;
}

async function sbom(packages: readonly Package[]): Promise<string> {
  const { version, packages: locked } = JSON.parse(await readFile("package-lock.json", "utf8")) as {
    readonly version: string;
    readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
  };
  const bundled = packages.map((it) => ({ ...it, integrity: locked[relative(".", it.folder)]?.integrity }));
  return sbomOf(bundled, { version, node: process.versions.node });
}

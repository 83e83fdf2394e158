import { cp, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { defineConfig, type Plugin } from "rolldown";

// What the image holds: `wsproxy.js`, a file for what each command loads besides, the page of the sample backend, and
// the licences of the packages that went in.
export default defineConfig({
  input: { wsproxy: "cli/main.ts", "reading-thread": "cli/reading-thread.ts" },
  platform: "node",
  output: { dir: "dist", format: "esm", chunkFileNames: "[name].js", cleanDir: true },
  plugins: [beside()],
});

function beside(): Plugin {
  return {
    name: "beside",
    async writeBundle({ dir = "dist" }, bundle) {
      const modules = Object.values(bundle).flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
      const folders = new Set(modules.flatMap((id) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(id) ?? []));
      await writeFile(join(dir, "licences.txt"), (await Promise.all([...folders].sort().map(licence))).join("\n"));
      await writeFile(join(dir, "package.json"), '{ "type": "module" }\n');
      await cp("examples/sample-backend/page", join(dir, "page"), { recursive: true });
    },
  };
}

/** A package's name, version and licence; fails the build where it has none. */
async function licence(folder: string): Promise<string> {
  const { name, version, license } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as {
    readonly [field: string]: unknown;
  };
  if (typeof license !== "string") throw new Error(`${String(name)} names no licence`);
  const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file === undefined ? "" : `\n${await readFile(join(folder, file), "utf8")}`;
  return `${String(name)} ${String(version)}: ${license}\n${text}\n${"-".repeat(80)}\n`;
}

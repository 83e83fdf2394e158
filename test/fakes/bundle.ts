import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const ROOT = resolve(import.meta.dirname, "../..");

/** Builds the bundle of the image into a temporary folder; `remove` deletes it. */
export async function bundle(): Promise<{ readonly folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "wsproxy-bundle-"));
  const rolldown = join(ROOT, "node_modules/rolldown/bin/cli.mjs");
  await promisify(execFile)(process.execPath, [rolldown, "-c", "-d", folder], { cwd: ROOT });
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

import { execFileSync } from "node:child_process";
import { copyFile, symlink } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../test/fakes/program.ts";

const PLUGIN = resolve("bin/kubectl-wsproxy");

test("the plugin of kubectl runs the wsproxy beside the file that a link leads to", async () => {
  const folder = await temporaryFolder();
  const link = join(folder, "kubectl-wsproxy");
  await symlink(PLUGIN, link);
  const said = execFileSync(link, ["sessions", "--help"], { encoding: "utf8" });
  expect(said).toMatch(/^usage: wsproxy sessions /);
});

test("a copy of it runs the wsproxy of PATH, and says where there is none", async () => {
  const folder = await temporaryFolder();
  const copy = join(folder, "kubectl-wsproxy");
  await copyFile(PLUGIN, copy);
  const path = (...folders: readonly string[]) => ({
    ...process.env,
    PATH: [...folders, "/usr/bin", "/bin"].join(":"),
  });
  const said = execFileSync(copy, ["--version"], { encoding: "utf8", env: path(resolve("bin")) });
  expect(said).toMatch(/^wsproxy \d/);
  expect(() => execFileSync(copy, ["--version"], { env: path(), stdio: "pipe" })).toThrow(
    "there is no wsproxy beside it",
  );
});

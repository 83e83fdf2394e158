import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../test/fakes/program.ts";
import { descriptorLimit } from "./descriptor-limit.ts";

async function proc(line: string): Promise<string> {
  const folder = await temporaryFolder();
  await mkdir(join(folder, "fd"));
  for (const name of ["0", "1", "2"]) await writeFile(join(folder, "fd", name), "");
  await writeFile(
    join(folder, "limits"),
    `Limit  Soft Limit  Hard Limit  Units\nMax cpu time  unlimited  unlimited  seconds\n${line}\n`,
  );
  return folder;
}

test("reads the soft limit, and counts what is open", async () => {
  const line = "Max open files            1024                 524288               files     ";
  expect(descriptorLimit(await proc(line))).toEqual({ limit: 1024, open: 3 });
});

test("without a limit a process of Linux has one all the same", async () => {
  const line = "Max open files            unlimited            unlimited            files     ";
  expect(descriptorLimit(await proc(line)).limit).toBe(1_048_576);
});

test.each(["", "Max open files            what"])("where /proc says %j, a number is assumed", async (line) => {
  expect(descriptorLimit(await proc(line))).toEqual({ limit: 4096, open: 32 });
  expect(descriptorLimit("/nowhere")).toEqual({ limit: 4096, open: 32 });
});

test("of a process it tells the limit that Node raised, not the one that it was started with", () => {
  const file = JSON.stringify(new URL("descriptor-limit.ts", import.meta.url).href);
  const code = `import(${file}).then(({ descriptorLimit }) => console.log(descriptorLimit().limit))`;
  const script = `ulimit -Sn 300; ulimit -Hn 700; exec "$0" -e '${code}'`;
  const { stdout } = spawnSync("sh", ["-c", script, process.execPath], { encoding: "utf8" });
  expect(stdout).toBe("700\n");
});

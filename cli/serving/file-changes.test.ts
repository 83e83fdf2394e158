import { appendFile, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { Mount } from "../../test/fakes/mount.ts";
import { temporaryFolder } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { fileChanges } from "./file-changes.ts";

let folder = "";

beforeEach(async () => {
  folder = await temporaryFolder();
  await writeFile(join(folder, "a.yaml"), "one");
});

interface Watch {
  count: number;
  ended: boolean;
  stop(): void;
}

/** Counts what is yielded; resolves once the first look is done. */
async function watch(paths: readonly string[], due?: () => boolean): Promise<Watch> {
  const controller = new AbortController();
  const seen: Watch = { count: 0, ended: false, stop: () => controller.abort() };
  onTestFinished(seen.stop);
  const looks = fileChanges(paths, controller.signal, due);
  void (async () => {
    while ((await looks.next()).done !== true) seen.count += 1;
    seen.ended = true;
  })();
  await until("the first look", () => seen.count === 1);
  return seen;
}

const path = (name: string): string => join(folder, name);

test.each<[string, () => Promise<void>]>([
  ["is written over", () => writeFile(path("a.yaml"), "two")],
  [
    "is replaced by a renamed one",
    async () => {
      await writeFile(path(".a.yaml.swp"), "two");
      await rename(path(".a.yaml.swp"), path("a.yaml"));
    },
  ],
  [
    "is moved away and written anew",
    async () => {
      await rename(path("a.yaml"), path(".a.yaml~"));
      await writeFile(path("a.yaml"), "one");
    },
  ],
  [
    "keeps its size and its time",
    async () => {
      await writeFile(path("a.yaml"), "eno");
      await utimes(path("a.yaml"), new Date(0), new Date(0));
    },
  ],
  ["gets a neighbour", () => writeFile(path("b.yaml"), "new")],
  ["is deleted", () => rm(path("a.yaml"))],
])("sees when a file %s", async (_how, change) => {
  const seen = await watch([folder]);
  await change();
  await until("the change was seen", () => seen.count === 2);
});

test("sees the swap of a mounted ConfigMap, whose files stay the same links", async () => {
  for (const version of ["..1", "..2"]) {
    await mkdir(path(version));
    await writeFile(join(path(version), "m.yaml"), version);
  }
  await symlink("..1", path("..data"));
  await symlink("..data/m.yaml", path("m.yaml"));
  const seen = await watch([folder]);
  await symlink("..2", path("..data_tmp"));
  await rename(path("..data_tmp"), path("..data"));
  await until("the swap was seen", () => seen.count === 2);
});

test("sees within a second that a mounted volume is emptied, and that it is filled again", async () => {
  const mount = await Mount.create();
  await mount.publish({ "config.sha256": "1" });
  const seen = await watch([mount.folder]);
  const times: number[] = [];
  for (const [round, files] of [{}, { "config.sha256": "1" }, {}, { "config.sha256": "2" }].entries()) {
    const before = performance.now();
    await mount.publish(files);
    await until("the swap was seen", () => seen.count >= round + 2);
    times.push(performance.now() - before);
  }
  // On a busy machine a round may take longer.
  expect(Math.min(...times)).toBeLessThan(1000);
});

test("does not tell of a file between its truncation and its writing", async () => {
  const seen = await watch([path("a.yaml")]);
  await truncate(path("a.yaml"));
  await sleep(60);
  await writeFile(path("a.yaml"), "written after a while");
  await until("the change was seen", () => seen.count === 2);
  await sleep(500);
  expect(seen.count).toBe(2);
});

test("tells of a file that is written all the time, too", async () => {
  const seen = await watch([path("a.yaml")]);
  const writer = setInterval(() => void appendFile(path("a.yaml"), "x"), 20);
  onTestFinished(() => clearInterval(writer));
  await until("the changes were seen", () => seen.count >= 3);
});

test("says nothing where nothing changes, and looks again where something is due", async () => {
  let due = false;
  const seen = await watch([folder, path("missing")], () => due);
  await sleep(500);
  expect(seen.count).toBe(1);
  due = true;
  await until("the look that was due", () => seen.count === 2);
  due = false;
});

test("a change while its receiver still reads is not lost", async () => {
  const controller = new AbortController();
  onTestFinished(() => controller.abort());
  const looks = fileChanges([folder], controller.signal);
  await looks.next();
  await writeFile(path("a.yaml"), "while it was read");
  expect((await looks.next()).done).toBe(false);
});

test("ends when aborted", async () => {
  const seen = await watch([folder]);
  seen.stop();
  await until("it ended", () => seen.ended);
});

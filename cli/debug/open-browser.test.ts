import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../test/fakes/program.ts";
import { until } from "../../test/fakes/sockets.ts";
import { openBrowser } from "./open-browser.ts";

test("the browser is opened as the system does it, and where there is none nothing happens", async () => {
  const folder = await temporaryFolder();
  const told = join(folder, "told");
  const opener = join(folder, "xdg-open");
  await writeFile(opener, `#!/bin/sh\nprintf '%s' "$*" >"${told}"\n`);
  await chmod(opener, 0o755);
  openBrowser("http://127.0.0.1:1/open/x", "linux", { PATH: `${folder}:${process.env["PATH"] ?? ""}` });
  let words = "";
  await until("it was opened", async () => (words = await readFile(told, "utf8").catch(() => "")) !== "");
  expect(words).toBe("http://127.0.0.1:1/open/x");
  for (const platform of ["linux", "darwin", "win32", "none"])
    openBrowser("http://x/", platform, { PATH: `${folder}/no` });
});

import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { command } from "./command.ts";
import { ROOT } from "./tools.ts";

const CHART = "charts/wsproxy";

export interface PreviousChart {
  readonly folder: string;
  /** Where it comes from, for the report. */
  readonly origin: string;
  remove(): Promise<void>;
}

/** The chart of the commit before this one; where there is none, this one under another version. */
export async function previousChart(): Promise<PreviousChart> {
  const parent = await mkdtemp(join(tmpdir(), "wsproxy-chart-"));
  const folder = join(parent, CHART);
  const remove = (): Promise<void> => rm(parent, { recursive: true });
  const commit = await git("rev-parse", "--short", "HEAD~1").catch(() => undefined);
  if (commit !== undefined) {
    const archive = join(parent, "chart.tar");
    await git("archive", "--output", archive, commit.trim(), CHART);
    await command("tar", ["-xf", archive, "-C", parent]);
    return { folder, origin: `commit ${commit.trim()}`, remove };
  }
  await cp(join(ROOT, CHART), folder, { recursive: true });
  const file = join(folder, "Chart.yaml");
  await writeFile(file, (await readFile(file, "utf8")).replace(/^version: .*$/m, "version: 0.0.0"));
  return { folder, origin: "this checkout, as version 0.0.0: it has no earlier commit", remove };
}

function git(...args: readonly string[]): Promise<string> {
  return command("git", ["-C", ROOT, ...args]);
}

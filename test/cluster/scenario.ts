import { globSync } from "node:fs";
import { basename, join } from "node:path";
import type { Purpose } from "./choose-provider.ts";
import type { Cluster } from "./cluster.ts";
import type { Report } from "./report.ts";

/** One file of scenarios/: what is done to a cluster, and what must come of it. */
export interface Scenario {
  readonly title: string;
  /** It is cut off after that. */
  readonly minutes: number;
  readonly run: (cluster: Cluster, report: Report) => Promise<void>;
}

export interface NamedScenario extends Scenario {
  /** Of its file. */
  readonly name: string;
  /** What the machine must have for it beyond the cluster: `needs`, where its file exports that. */
  readonly needs: readonly Purpose[];
}

interface ScenarioFile extends Partial<Pick<NamedScenario, "needs">> {
  readonly default: Scenario;
}

/** What a scenario's file exports. */
export function scenario(title: string, run: Scenario["run"], { minutes = 5 }: { minutes?: number } = {}): Scenario {
  return { title, minutes, run };
}

/** Those whose name has one of these words in it, in order; without words, all. */
export async function findScenarios(wanted: string): Promise<NamedScenario[]> {
  const folder = join(import.meta.dirname, "scenarios");
  const files = globSync("[0-9][0-9]-*.ts", { cwd: folder }).toSorted();
  const words = wanted.split(/[\s,]+/).filter(Boolean);
  const chosen = files.filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  if (chosen.length === 0) throw new Error(`no scenario is called "${wanted}"; there are ${files.join(", ")}`);
  return Promise.all(
    chosen.map(async (file) => {
      const { default: found, needs = [] } = (await import(join(folder, file))) as ScenarioFile;
      return { name: basename(file, ".ts"), needs, ...found };
    }),
  );
}

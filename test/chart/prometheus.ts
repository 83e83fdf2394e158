import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, Program, temporaryFolder } from "../fakes/program.ts";
import { PrometheusApi } from "./prometheus-api.ts";

export const prometheusInstalled = spawnSync("prometheus", ["--version"]).status === 0;

/** A port to scrape, and the labels that Kubernetes' service discovery would add. */
export interface Target {
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** A real Prometheus that scrapes twice a second. It ends with the test. */
export class Prometheus extends PrometheusApi {
  static async start(targets: readonly Target[], rules: string): Promise<Prometheus> {
    const folder = await temporaryFolder();
    const port = await freePort();
    const config = {
      global: { scrape_interval: "500ms", scrape_timeout: "500ms", evaluation_interval: "1s" },
      rule_files: [rules],
      scrape_configs: [
        {
          job_name: "wsproxy",
          static_configs: targets.map((target) => ({
            targets: [`127.0.0.1:${target.port}`],
            labels: target.labels,
          })),
        },
      ],
    };
    const file = join(folder, "prometheus.json"); // JSON is YAML
    await writeFile(file, JSON.stringify(config));
    const args = [`--config.file=${file}`, `--storage.tsdb.path=${folder}`, `--web.listen-address=127.0.0.1:${port}`];
    const program = new Program(args, { file: "prometheus" });
    await program.says("Server is ready to receive web requests");
    return new Prometheus(`http://127.0.0.1:${port}`);
  }
}

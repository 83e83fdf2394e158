import { spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort, Program, temporaryFolder } from "../fakes/program.ts";

export const prometheusInstalled = spawnSync("prometheus", ["--version"]).status === 0;

/** One line of an answer: its labels and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** Where to scrape, and the labels that Kubernetes' service discovery would add. */
export interface Target {
  readonly port: number;
  readonly labels: Readonly<Record<string, string>>;
}

/** A real Prometheus that scrapes twice a second; ended with the test. */
export class Prometheus {
  readonly #url: string;

  private constructor(url: string) {
    this.#url = url;
  }

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

  /** An instant query; throws with Prometheus' words where it is malformed. */
  async query(expr: string): Promise<readonly Sample[]> {
    return (await this.#get<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  /** The values of a label, as a variable of a dashboard asks for them. */
  async labelValues(label: string, selector: string): Promise<readonly string[]> {
    return this.#get<readonly string[]>(`label/${label}/values?match[]=${encodeURIComponent(selector)}`);
  }

  async #get<T>(path: string): Promise<T> {
    const answer = (await (await fetch(`${this.#url}/api/v1/${path}`)).json()) as {
      status: string;
      data: T;
      error?: string;
    };
    if (answer.status !== "success") throw new Error(`${path}: ${answer.error}`);
    return answer.data;
  }
}

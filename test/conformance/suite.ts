import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { open, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CaseResult, Verdicts } from "./compare.ts";
import { listening } from "../fakes/ports.ts";

/** Name under which a peer stands in the suite's reports. */
export const AGENT = "wsproxy";
/** 12 and 13 measure the compression of the two ends, for half an hour; frames of theirs look like any other. */
const LEFT_OUT = ["12.*", "13.*"];

/** The Autobahn suite, installed in one folder; each run writes its report into a folder of its own. */
export class Suite {
  readonly #folder: string;
  readonly #launcher = join(import.meta.dirname, "wstest.py");

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** The suite as a client, against the server at a URL. */
  async against(url: string, report: string): Promise<Verdicts> {
    await this.#prepare(report, { servers: [{ agent: AGENT, url }] });
    const client = await this.#start("fuzzingclient", report);
    const [status] = (await once(client, "exit")) as [number | null];
    if (status !== 0) throw new Error(`the suite ended with status ${status}: see ${report}/log`);
    return verdicts(report);
  }

  /** The suite as a server on a port, while `visit` runs its cases and asks for the report. */
  async serving(port: number, report: string, visit: () => Promise<void>): Promise<Verdicts> {
    await this.#prepare(report, { url: `ws://127.0.0.1:${port}` });
    const server = await this.#start("fuzzingserver", report, "-u", "0");
    const ended = once(server, "exit");
    try {
      await listening(port);
      await visit();
    } finally {
      server.kill();
      await ended;
    }
    return verdicts(report);
  }

  async #prepare(report: string, spec: object): Promise<void> {
    await rm(report, { recursive: true, force: true });
    await mkdir(report, { recursive: true });
    const selection = { cases: ["*"], "exclude-cases": LEFT_OUT, "exclude-agent-cases": {} };
    await writeFile(join(report, "spec.json"), JSON.stringify({ outdir: report, options: {}, ...spec, ...selection }));
  }

  async #start(mode: string, report: string, ...more: string[]): Promise<ChildProcess> {
    const python = join(this.#folder, "python/usr");
    const log = await open(join(report, "log"), "w");
    const child = spawn(
      join(python, "bin/python2.7"),
      ["-B", "-s", this.#launcher, join(this.#folder, "site"), "-m", mode, "-s", join(report, "spec.json"), ...more],
      {
        stdio: ["ignore", log.fd, log.fd],
        env: { LD_LIBRARY_PATH: join(python, "lib/x86_64-linux-gnu") },
        cwd: report,
      },
    );
    await once(child, "spawn");
    await log.close();
    return child;
  }
}

async function verdicts(report: string): Promise<Verdicts> {
  const agents = JSON.parse(await readFile(join(report, "index.json"), "utf8")) as Record<
    string,
    Record<string, CaseResult>
  >;
  const cases = agents[AGENT];
  if (cases === undefined) throw new Error(`the suite wrote no report: see ${report}/log`);
  return cases;
}

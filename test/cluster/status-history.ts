import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { ConditionType } from "../../api/conditions.ts";
import type { WebSocketProxyStatus } from "../../api/status.ts";
import type { Cluster } from "./cluster.ts";
import { toolPath } from "./tools.ts";
import type { FoundProxy } from "./web-socket-proxy.ts";

/** A status, and when it was seen, in ms since the epoch. */
export interface SeenStatus {
  readonly at: number;
  readonly generation: number;
  readonly status: WebSocketProxyStatus;
}

/** A condition at the moment when it first said this. */
export interface Told {
  readonly at: number;
  readonly message: string;
}

/**
 * Every status that one proxy has from now on, in order, as `kubectl get --watch` shows them: a state that stands for a moment
 * only is in it, too.
 */
export class StatusHistory {
  readonly #cluster: Pick<Cluster, "until">;
  readonly #name: string;
  readonly #seen: SeenStatus[] = [];
  #fault: string | undefined;

  constructor(cluster: Pick<Cluster, "until">, name: string) {
    this.#cluster = cluster;
    this.#name = name;
  }

  /** Resolves when the first status is there. It follows until the scenario is over. */
  static async follow(cluster: Cluster, namespace: string, name: string): Promise<StatusHistory> {
    const history = new StatusHistory(cluster, `${namespace}/${name}`);
    // By its name alone, kubectl would leave out a change between its first look and the begin of its watch.
    const one = ["--field-selector", `metadata.name=${name}`];
    const args = ["--namespace", namespace, "get", "wsp", ...one, "--watch", "--output", "json"];
    const env = { ...process.env, KUBECONFIG: cluster.provider.kubeconfig };
    const child = spawn(toolPath("kubectl"), args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const objects = new JsonObjects();
    createInterface({ input: child.stdout }).on("line", (line) => {
      const proxy = objects.take(line) as FoundProxy | undefined;
      if (proxy !== undefined) history.add(proxy, Date.now());
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()));
    child.on("error", ({ message }) => (said += message));
    child.on("close", () => (history.#fault = `kubectl get --watch has ended: ${said}`));
    cluster.signal.addEventListener("abort", () => child.kill());
    await cluster.until(`${namespace}/${name} has a status`, () => {
      history.#check();
      return Promise.resolve(history.#seen.length > 0);
    });
    return history;
  }

  /** Takes one state of the proxy. */
  add({ metadata: { generation }, status }: FoundProxy, at: number): void {
    if (status !== undefined) this.#seen.push({ at, generation, status });
  }

  /** What a condition said from a moment on, such as `True Ready`, beginning with what held then; each until it changes. */
  course(type: ConditionType, since = 0): string[] {
    this.#check();
    const first = this.#seen.findLastIndex(({ at }) => at < since);
    const all = this.#seen.slice(Math.max(0, first)).map((seen) => brief(seen, type));
    return all.filter((words, at) => words !== all[at - 1]);
  }

  /** Waits until a condition says this, about the spec as it is then; states before `since` do not count. */
  async until(type: ConditionType, words: string, { since = 0, ms = 120_000 } = {}): Promise<Told> {
    let told: Told | undefined;
    const says = (): Promise<boolean> => {
      this.#check();
      const found = this.#seen.find((seen) => seen.at >= since && isAbout(seen, type) && brief(seen, type) === words);
      told = found && { at: found.at, message: conditionIn(found, type)?.message ?? "" };
      return Promise.resolve(told !== undefined);
    };
    await this.#cluster.until(`${this.#name} says ${type} ${words}`, says, ms).catch((error: unknown) => {
      const last = JSON.stringify(this.#seen.at(-1)?.status.conditions);
      throw new Error(`${String(error)}; it said ${this.course(type, since).join(", ")}; conditions ${last}`, {
        cause: error,
      });
    });
    return told!;
  }

  #check(): void {
    if (this.#fault !== undefined) throw new Error(this.#fault);
  }
}

/** Puts the objects together that kubectl prints one below the other, each over several lines. */
export class JsonObjects {
  #lines: string[] = [];

  /** The object that ends with this line. */
  take(line: string): unknown {
    this.#lines.push(line);
    if (line !== "}") return undefined;
    const text = this.#lines.join("\n");
    this.#lines = [];
    return JSON.parse(text);
  }
}

function conditionIn({ status }: SeenStatus, type: ConditionType) {
  return status.conditions?.find((condition) => condition.type === type);
}

function brief(seen: SeenStatus, type: ConditionType): string {
  const found = conditionIn(seen, type);
  return found === undefined ? "absent" : `${found.status} ${found.reason}`;
}

function isAbout(seen: SeenStatus, type: ConditionType): boolean {
  return conditionIn(seen, type)?.observedGeneration === seen.generation;
}

/** One series of an instant query: its labels and its value. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A target that Prometheus scrapes. */
export interface ScrapedTarget {
  readonly scrapePool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
}

/** A rule, and whether Prometheus could evaluate it. */
export interface EvaluatedRule {
  readonly name: string;
  readonly query: string;
  readonly health: "ok" | "err" | "unknown";
}

/** A client of the HTTP API of a Prometheus. Each call rejects with Prometheus' message if the query is malformed. */
export class PrometheusApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** An instant query. */
  async query(expr: string): Promise<readonly Sample[]> {
    return (await this.#get<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  /** The values of a label, requested as a dashboard variable does. */
  async labelValues(label: string, selector: string): Promise<readonly string[]> {
    return this.#get<readonly string[]>(`label/${label}/values?match[]=${encodeURIComponent(selector)}`);
  }

  async targets(): Promise<readonly ScrapedTarget[]> {
    return (await this.#get<{ activeTargets: readonly ScrapedTarget[] }>("targets?state=active")).activeTargets;
  }

  async rules(): Promise<readonly EvaluatedRule[]> {
    const { groups } = await this.#get<{ groups: readonly { rules: readonly EvaluatedRule[] }[] }>("rules");
    return groups.flatMap(({ rules }) => rules);
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

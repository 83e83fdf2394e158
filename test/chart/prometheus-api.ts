/** One line of an answer: its labels and its value now. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

/** A place that Prometheus scrapes. */
export interface ScrapedTarget {
  readonly scrapePool: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly health: "up" | "down" | "unknown";
  readonly lastError: string;
}

/** A rule, and whether it could be evaluated. */
export interface EvaluatedRule {
  readonly name: string;
  readonly query: string;
  readonly health: "ok" | "err" | "unknown";
}

/** Questions to a Prometheus that runs at a URL; each throws with Prometheus' words where it is malformed. */
export class PrometheusApi {
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  /** An instant query. */
  async query(expr: string): Promise<readonly Sample[]> {
    return (await this.#get<{ result: readonly Sample[] }>(`query?query=${encodeURIComponent(expr)}`)).result;
  }

  /** The values of a label, as a variable of a dashboard asks for them. */
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

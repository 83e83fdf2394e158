import type { Slices } from "../runtime/slices.ts";
import type { Metrics } from "./metrics.ts";

/** Samples that are written at a time: one metric of 1,000 routes may have 18,000. */
const SAMPLES = 500;

type Registry = Metrics["registry"];

/** What a metric says of itself, with its samples. */
interface Reading {
  readonly values: readonly unknown[];
}

interface Readable {
  readonly name: string;
  get(): Promise<Reading>;
  /** Of histograms: a form in which the samples of a route share its labels. */
  getForPromString?(): Promise<Reading>;
}

/** What the library's types leave out. */
interface Writer {
  getMetricsAsArray(): readonly Readable[];
  getMetricsAsString(metric: Pick<Readable, "get">): Promise<string>;
}

/** A registry of metrics that writes them as the library does, but in slices: each alone, and a large one in parts. */
export class SlicedMetrics {
  readonly #writer: Writer;
  readonly #slices: Slices;
  readonly contentType: string;

  constructor(registry: Registry, slices: Slices) {
    this.#writer = registry as unknown as Writer;
    this.#slices = slices;
    this.contentType = registry.contentType;
  }

  getMetricsAsArray(): readonly { readonly name: string }[] {
    return this.#writer.getMetricsAsArray();
  }

  /** As `registry.getSingleMetricAsString`. */
  async getSingleMetricAsString(name: string): Promise<string> {
    const metric = this.#writer.getMetricsAsArray().find((it) => it.name === name);
    if (metric === undefined) throw new Error(`there is no metric ${name}`);
    if (this.#slices.spent) await this.#slices.next();
    const reading = await (metric.getForPromString?.() ?? metric.get());
    const parts: string[] = [];
    for (let at = 0; at === 0 || at < reading.values.length; at += SAMPLES) {
      if (this.#slices.spent) await this.#slices.next();
      const values = reading.values.slice(at, at + SAMPLES);
      const text = await this.#writer.getMetricsAsString({ get: async () => ({ ...reading, values }) });
      // Each part begins with the two lines that say what the metric is.
      parts.push(at === 0 ? text : text.split("\n").slice(2).join("\n"));
    }
    return parts.join("\n");
  }

  /** All metrics, as `registry.metrics()`. */
  async text(): Promise<string> {
    const texts: string[] = [];
    for (const { name } of this.getMetricsAsArray()) texts.push(await this.getSingleMetricAsString(name));
    return `${texts.join("\n\n")}\n`;
  }
}

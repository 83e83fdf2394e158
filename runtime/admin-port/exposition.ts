import type { Slices } from "../loop/slices.ts";

/** Samples that are written in one step: one metric of 1,000 routes may have 18,000. */
const SAMPLES = 500;

/** What a metric gives when it is read. */
interface Reading {
  readonly values: readonly unknown[];
}

interface Readable {
  get(): Promise<Reading>;
  /** Of histograms: a form in which the samples of a route share one labels object. */
  getForPromString?(): Promise<Reading>;
}

/** The parts of prom-client's Registry that are used here; its types leave out `getMetricsAsString`. */
export interface MetricSource {
  readonly contentType: string;
  getMetricsAsArray(): readonly unknown[];
}

interface Writer {
  getMetricsAsString(metric: Pick<Readable, "get">): Promise<string>;
}

/** All metrics in the Prometheus text format, the same text as `registry.metrics()`, written in slices. */
export async function exposition(source: MetricSource, slices: Slices): Promise<string> {
  const texts: string[] = [];
  for (const metric of source.getMetricsAsArray() as readonly Readable[]) {
    if (slices.spent) await slices.next();
    const reading = await (metric.getForPromString?.() ?? metric.get());
    texts.push(await textOf(reading, source as unknown as Writer, slices));
  }
  return `${texts.join("\n\n")}\n`;
}

async function textOf(reading: Reading, writer: Writer, slices: Slices): Promise<string> {
  const parts: string[] = [];
  for (let at = 0; at === 0 || at < reading.values.length; at += SAMPLES) {
    if (slices.spent) await slices.next();
    const values = reading.values.slice(at, at + SAMPLES);
    const text = await writer.getMetricsAsString({ get: async () => ({ ...reading, values }) });
    // Each part begins with the two lines that say what the metric is.
    parts.push(at === 0 ? text : text.split("\n").slice(2).join("\n"));
  }
  return parts.join("\n");
}

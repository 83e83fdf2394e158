import { setImmediate as turn } from "node:timers/promises";
import { openEndpoint, type AdminAnswer, type AdminEndpoint } from "./admin-endpoint.ts";
import type { Clock } from "./clock.ts";

/** Metrics, one by one: what prom-client's Registry offers. */
export interface MetricSource {
  readonly contentType: string;
  getMetricsAsArray(): readonly { readonly name: string }[];
  getSingleMetricAsString(name: string): Promise<string>;
}

/** Work at a time, in ms; then the event loop has a turn. */
const SLICE = 5;
/** A text is handed out again for so many times as long as it took to write. */
const REUSE = 10;

/**
 * `/metrics`: written metric by metric, with turns of the event loop in between, once for all requests that ask meanwhile
 * and for a short time after. However often it is asked for, it takes a tenth of the process's time at the most.
 */
export function metricsEndpoint(source: MetricSource, clock: Clock): AdminEndpoint {
  let answer: Promise<AdminAnswer> | undefined;
  let until = Number.POSITIVE_INFINITY;
  const write = async (): Promise<AdminAnswer> => {
    const { text, took } = await written(source, clock);
    until = clock.now() + REUSE * took;
    // Bytes: answers that slow clients have not taken yet share them.
    return { status: 200, contentType: source.contentType, body: Buffer.from(text) };
  };
  return openEndpoint(() => {
    if (answer === undefined || clock.now() >= until) {
      until = Number.POSITIVE_INFINITY;
      answer = write();
      answer.catch(() => (answer = undefined));
    }
    return answer;
  });
}

/** The text of all metrics, and how much work it was, in ms. */
async function written(source: MetricSource, clock: Clock): Promise<{ readonly text: string; readonly took: number }> {
  const texts: string[] = [];
  let took = 0;
  let began = clock.now();
  for (const { name } of source.getMetricsAsArray()) {
    texts.push(await source.getSingleMetricAsString(name));
    const worked = clock.now() - began;
    if (worked < SLICE) continue;
    took += worked;
    await turn();
    began = clock.now();
  }
  return { text: `${texts.join("\n\n")}\n`, took: took + clock.now() - began };
}

import { join } from "node:path";
import { FOLDER, keepState } from "./artefacts.ts";
import { Cluster } from "./cluster.ts";
import type { BuiltImage } from "./image.ts";
import type { Provider } from "./provider.ts";
import { Report } from "./report.ts";
import type { NamedScenario } from "./scenario.ts";

export interface Outcome {
  readonly name: string;
  readonly ms: number;
  readonly report: Report;
  /** What ended it early. */
  readonly failure: unknown;
}

export interface Surroundings {
  readonly provider: Provider;
  readonly image: BuiltImage;
  /** Somebody wants the run to end. */
  readonly stop: AbortSignal;
}

/** Runs one scenario within its time, clears away what it made, and keeps its ledger and what explains a failure. */
export async function runScenario(scenario: NamedScenario, surroundings: Surroundings): Promise<Outcome> {
  const { provider, image, stop } = surroundings;
  const { name, minutes, run } = scenario;
  const started = performance.now();
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(new Error(`${name} took more than ${minutes} minutes`)), minutes * 60_000);
  const over = new AbortController();
  const signal = AbortSignal.any([late.signal, stop, over.signal]);
  const cluster = new Cluster(provider, image, signal);
  const report = new Report();
  let failure: unknown;
  try {
    await Promise.race([run(cluster, report), aborted(signal)]);
  } catch (error) {
    failure = signal.aborted ? signal.reason : error;
    console.error(failure);
    await keepState(provider, name);
  } finally {
    clearTimeout(timer);
    over.abort(new Error(`${name} is over`)); // whatever it left running, such as clients that come back
  }
  await cluster.end().catch((error: unknown) => (failure ??= error));
  await cluster.ledger.write(join(FOLDER, `${name}.ledger.jsonl`));
  return { name, ms: performance.now() - started, report, failure };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}

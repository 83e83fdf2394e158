import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { aborted } from "./aborted.ts";
import { keepState } from "./artefacts.ts";
import { Cluster } from "./cluster.ts";
import type { BuiltImage } from "./image.ts";
import type { Provider } from "./provider.ts";
import { Report } from "./report.ts";
import type { NamedScenario } from "./scenario.ts";
import type { Strays } from "./strays.ts";

export interface Outcome {
  readonly name: string;
  readonly ms: number;
  readonly report: Report;
  /** What ended it early. */
  readonly failure: unknown;
}

export interface ScenarioOptions {
  readonly provider: Provider;
  readonly image: BuiltImage;
  /** Where ledgers and what explains a failure are kept. */
  readonly folder: string;
  /** The run is to end. */
  readonly stop: AbortSignal;
  readonly strays: Strays;
}

/** For a scenario that is cut off to come to its next step and notice, in ms. */
const NOTICE = 20_000;

/**
 * Runs one scenario within its time, clears away what it made, and keeps its ledger and what explains a failure. Whatever
 * goes wrong is in the outcome: the next scenario runs.
 */
export async function runScenario(scenario: NamedScenario, options: ScenarioOptions): Promise<Outcome> {
  const { provider, image, folder, stop, strays } = options;
  const { name, minutes, run } = scenario;
  const started = performance.now();
  const cut = new AbortController();
  const timer = setTimeout(() => cut.abort(new Error(`${name} took more than ${minutes} minutes`)), minutes * 60_000);
  const forget = strays.tell((error) => cut.abort(error));
  const over = new AbortController();
  const signal = AbortSignal.any([cut.signal, stop, over.signal]);
  const cluster = new Cluster(provider, image, signal);
  const report = new Report();
  let failure: unknown;
  const failed = (error: unknown): void => {
    failure ??= error;
    console.error(error);
  };
  const running = run(cluster, report);
  try {
    await Promise.race([running, aborted(signal)]);
  } catch (error) {
    failed(signal.aborted ? signal.reason : error);
    await keepState(provider, join(folder, name), join(folder, "logs")).catch(console.error);
  }
  clearTimeout(timer);
  over.abort(new Error(`${name} is over`)); // whatever it left running, such as clients that come back
  // One that was cut off may be at work still: what is cleared away would be made anew.
  await Promise.race([running.catch(() => {}), sleep(NOTICE)]);
  await cluster.end().catch(failed);
  await cluster.ledger.write(join(folder, `${name}.ledger.jsonl`)).catch(failed);
  if (cut.signal.aborted && failure === undefined) failed(cut.signal.reason); // by what was thrown meanwhile
  forget();
  return { name, ms: performance.now() - started, report, failure };
}

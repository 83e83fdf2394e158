import { configReport, type ProxyReport } from "../../api/report.ts";
import { askAll } from "../live/ask-all.ts";
import { ask, askText } from "../live/ask.ts";
import { LiveFailure, failureIn } from "../live/live-failure.ts";
import type { Place, Target } from "../live/target.ts";
import { keptRefusals, type RefusalCount } from "./kept-refusals.ts";
import { processMetrics, type ProcessMetrics } from "./process-metrics.ts";

/** What one process says; a part that it did not answer is absent, and `gaps` says why. */
export interface ProcessFacts {
  readonly id: string;
  readonly name: string;
  readonly serves?: readonly ProxyReport[];
  readonly metrics?: ProcessMetrics;
  readonly refusals?: readonly RefusalCount[];
  readonly gaps: readonly LiveFailure[];
}

export interface AllFacts {
  readonly processes: readonly ProcessFacts[];
  /** Why no process can be asked. */
  readonly failure?: LiveFailure;
}

/** Times in ms: for the answers of one process, and in which processes are begun to be asked. */
export const PATIENCE = { pod: 5000, all: 15_000 } as const;

/** Asks each process what it serves, for its metrics and for the refusals that it keeps. */
export async function allFacts(
  target: Target,
  signal: AbortSignal,
  patience: { readonly pod: number; readonly all: number } = PATIENCE,
): Promise<AllFacts> {
  const silent = new Map<string, ProcessFacts>();
  const late = performance.now() + patience.all;
  const each = async (place: Place): Promise<ProcessFacts> => {
    const facts =
      performance.now() < late
        ? await factsOf(place, signal, patience.pod)
        : { id: place.id, name: place.name, gaps: [slow(place, "was not asked: too many others were slow")] };
    const [first] = facts.gaps;
    if (first === undefined || facts.serves !== undefined || facts.metrics !== undefined) return facts;
    // Whether the process has ended meanwhile, which is no failure, is found out for failures.
    silent.set(place.id, facts);
    throw first;
  };
  try {
    const { answers, failures } = await askAll(target, each, signal);
    const failed = failures.map(({ place, failure }) => silent.get(place.id) ?? { ...idOf(place), gaps: [failure] });
    const processes = [...answers.map(({ value }) => value), ...failed];
    return { processes: byName(processes) };
  } catch (error) {
    const failure = failureIn(error);
    return { processes: byName([...silent.values()]), ...(silent.size === 0 ? { failure } : {}) };
  }
}

function byName(all: readonly ProcessFacts[]): readonly ProcessFacts[] {
  return all.toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

async function factsOf(place: Place, signal: AbortSignal, patience: number): Promise<ProcessFacts> {
  const limit = AbortSignal.timeout(patience);
  const both = AbortSignal.any([signal, limit]);
  const gaps: LiveFailure[] = [];
  const part = async <T>(asked: Promise<T>): Promise<T | undefined> => {
    try {
      return await asked;
    } catch (error) {
      const failure = limit.aborted ? slow(place, `gives no answer within ${patience / 1000} s`) : failureIn(error);
      if (gaps.every(({ message }) => message !== failure.message)) gaps.push(failure);
      return undefined;
    }
  };
  const [report, metrics, refusals] = await Promise.all([
    part(ask(place, { path: "/config" }, configReport, both)),
    part(askText(place, { path: "/metrics" }, both)),
    part(keptRefusals(place, both)),
  ]);
  return {
    ...idOf(place),
    ...(report === undefined ? {} : { serves: report.proxies.filter(({ proxy }) => isMeant(place, proxy)) }),
    ...(metrics === undefined ? {} : { metrics: metricsOf(place, metrics) }),
    ...(refusals === undefined ? {} : { refusals }),
    gaps,
  };
}

function metricsOf(place: Place, text: string): ProcessMetrics {
  const metrics = processMetrics(text);
  return { ...metrics, proxies: new Map([...metrics.proxies].filter(([proxy]) => isMeant(place, proxy))) };
}

function isMeant({ only }: Place, proxy: string): boolean {
  return only === undefined || proxy === only;
}

function idOf({ id, name }: Place): { readonly id: string; readonly name: string } {
  return { id, name };
}

function slow({ name }: Place, what: string): LiveFailure {
  return new LiveFailure("Unreachable", `${name} ${what}`);
}

import type { Target } from "../live/target.ts";
import type { Facts } from "./facts.ts";
import { allFacts } from "./process-facts.ts";

/** Asks one process. Rejects with LiveFailure where it says nothing at all. */
export async function gatherOfProcess(target: Target, signal: AbortSignal): Promise<Facts> {
  const { processes, failure } = await allFacts(target, signal);
  const [only] = processes;
  const silent = only?.serves === undefined && only?.metrics === undefined ? only?.gaps[0] : undefined;
  if (failure !== undefined || silent !== undefined) throw failure ?? silent;
  return { title: target.title, single: true, now: Date.now(), processes, gaps: only?.gaps ?? [] };
}

import { printableJson } from "../connect/terminal-text.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import type { LiveFailure } from "../live/live-failure.ts";
import { processTarget } from "../live/process-target.ts";
import { runLive } from "../live/run-live.ts";
import type { TypedTarget } from "../live/target-options.ts";
import type { Facts } from "./facts.ts";
import { gatherOfProcess } from "./gather-process.ts";
import { NextCommands } from "./next-commands.ts";
import { problemsOf, type Names } from "./problems.ts";
import { reportOf } from "./report.ts";
import { jsonOf } from "./status-json.ts";
import { statusText } from "./status-text.ts";

export type StatusOutput = "table" | "json";

/** Prints the state of a gateway, and for each problem the next command. Resolves with the exit code. */
export function showStatus(typed: TypedTarget, output: StatusOutput, io: CommandIO): Promise<number> {
  // A status that was broken off has not said that all is well.
  return runLive("status", io, (signal) => status(typed, output, io, signal), EXIT.unavailable);
}

async function status(typed: TypedTarget, output: StatusOutput, io: CommandIO, signal: AbortSignal): Promise<number> {
  const { facts, names, namespace } = await gathered(typed, signal);
  signal.throwIfAborted();
  const next = new NextCommands(typed, namespace);
  const report = reportOf(facts);
  const problems = problemsOf(report, facts.proxy, names, next);
  if (output === "json") io.out.write(`${printableJson(jsonOf(report, problems), 2)}\n`);
  else io.out.write(statusText(report, problems, next));
  for (const { message } of facts.gaps) io.err.write(`wsproxy status: a part is missing: ${message}\n`);
  return problems.length > 0 ? EXIT.negative : exitOf(facts.gaps);
}

interface Gathered {
  readonly facts: Facts;
  readonly names: Names;
  readonly namespace: string | undefined;
}

async function gathered(typed: TypedTarget, signal: AbortSignal): Promise<Gathered> {
  if (typed.in === "process") {
    const target = await processTarget(typed, signal);
    return { facts: await gatherOfProcess(target, signal), names: { name: "", base: "" }, namespace: undefined };
  }
  // What talks to Kubernetes is loaded only for a cluster.
  const { clusterTargetWithoutToken } = await import("../live/cluster/cluster-target.ts");
  const { gatherOfCluster } = await import("./gather-cluster.ts");
  const target = await clusterTargetWithoutToken(typed);
  try {
    const { proxy: name, base, namespace } = target;
    return { facts: await gatherOfCluster(target, signal), names: { name, base }, namespace };
  } finally {
    target.close();
  }
}

/** What is missing may be what is wrong, so that is no success. */
function exitOf(gaps: readonly LiveFailure[]): number {
  if (gaps.length === 0) return EXIT.ok;
  return gaps.some(({ exit }) => exit === EXIT.noPermission) ? EXIT.noPermission : EXIT.unavailable;
}

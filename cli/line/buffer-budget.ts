import { parseSize } from "../../api/quantities.ts";
import { memoryLimit, thisMachine, type Machine } from "../../runtime/memory-limit.ts";
import { UsageError, type Arguments, type OptionSpec } from "./arguments.ts";

const MiB = 2 ** 20;
/** Without a limit of the cgroup the host's memory counts, but no more of it than this: others run there too. */
const MOST_OF_THE_HOST = 4096 * MiB;
const SHARE = 0.25;

/** `--buffer-budget` of the commands that serve. */
export const bufferBudgetOption: OptionSpec = {
  value: "SIZE",
  help: "memory for what receivers have not taken; default: a quarter of the memory limit",
};

/** Bytes that all buffers of the process may have together: what was typed, or a quarter of the memory that it may use. */
export function bufferBudget(args: Arguments, machine: () => Machine = thisMachine): number {
  const text = args.optional("buffer-budget");
  if (text === undefined) {
    const { total, ...files } = machine();
    return Math.floor(SHARE * (memoryLimit({ total, ...files }) ?? Math.min(total, MOST_OF_THE_HOST)));
  }
  const bytes = parseSize(text);
  if (Number.isNaN(bytes)) {
    throw new UsageError(`--buffer-budget "${text}" is not a size; write for example 64Mi or 1Gi`);
  }
  if (bytes < MiB) throw new UsageError(`--buffer-budget "${text}" is too small; write 1Mi or more`);
  return bytes;
}

import { parseSize } from "../../api/quantities.ts";
import { memoryLimit, thisMachine, type Machine } from "../../runtime/memory-limit.ts";
import { UsageError, type Arguments, type OptionSpec } from "./arguments.ts";

const MiB = 2 ** 20;
/** Without a cgroup limit the host's memory counts, up to this many bytes: other processes need memory too. */
const MOST_OF_THE_HOST = 4096 * MiB;
const SHARE = 0.25;

/** The option `--buffer-budget` of `standalone` and `dataplane`. */
export const bufferBudgetOption: OptionSpec = {
  value: "SIZE",
  help: "memory for bytes that receivers have not taken; default: a quarter of the memory limit",
};

/**
 * Bytes that all buffers of the process may have together: the typed size, else a quarter of the memory that the
 * process may use.
 */
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

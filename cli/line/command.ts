import type { Shutdown } from "../../runtime/shutdown.ts";
import type { Faults } from "../../runtime/faults.ts";
import type { Arguments, OptionSpecs } from "./arguments.ts";

/** What a command is given of its process: streams, signals, and what happens at a fault. */
export interface CommandIO {
  readonly stdin: NodeJS.ReadStream;
  /** Standard output: what the command was asked for. */
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Standard error: everything else that people read. */
  readonly err: NodeJS.WritableStream;
  readonly faults: Faults;
  /** Once called, a signal no longer ends the process: the command must react to it. */
  readonly signals: () => Shutdown;
}

/** One command of `wsproxy`. */
export interface Command {
  /** What follows the command's name in its usage line. */
  readonly synopsis: string;
  readonly about: string;
  readonly options: OptionSpecs;
  /** Names of what must follow the options, in order; one in brackets may be absent. */
  readonly operands?: readonly string[];
  /** Checks every argument before it opens anything (throws UsageError); resolves with the exit code. */
  run(args: Arguments, io: CommandIO): Promise<number>;
}

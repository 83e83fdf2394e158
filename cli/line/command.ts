import type { Shutdown } from "../../runtime/shutdown.ts";
import type { Faults } from "../../runtime/faults.ts";
import type { Arguments, OptionSpecs } from "./arguments.ts";

/** The process as a command sees it. */
export interface Surroundings {
  readonly stdin: NodeJS.ReadStream;
  /** What the command is asked for. */
  readonly out: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** Everything else that people read. */
  readonly err: NodeJS.WritableStream;
  readonly faults: Faults;
  /** From here on signals no longer end the process by themselves. */
  readonly signals: () => Shutdown;
}

/** One command of `wsproxy`. */
export interface Command {
  /** What follows the command's name. */
  readonly synopsis: string;
  readonly about: string;
  readonly options: OptionSpecs;
  /** Names of what must follow the options, in order. */
  readonly operands?: readonly string[];
  /** Reads every argument before it opens anything (UsageError), then resolves with the exit code. */
  run(args: Arguments, surroundings: Surroundings): Promise<number>;
}

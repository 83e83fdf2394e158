import { Arguments, UsageError } from "./line/arguments.ts";
import type { Command, CommandIO } from "./line/command.ts";
import { EXIT } from "./line/exit-codes.ts";
import { commandHelp, programHelp } from "./line/help.ts";
import { nearest } from "./line/nearest.ts";
import { VERSION } from "./line/version.ts";

interface Entry {
  readonly summary: string;
  /** Loads the file of the command. The file loads its implementation only when the command runs, never for help. */
  load(): Promise<Command>;
}

/** Every command, in the order of the help. */
const COMMANDS: Readonly<Record<string, Entry>> = {
  standalone: {
    summary: "the gateway without a cluster, from manifests in files",
    load: async () => (await import("./commands/standalone.ts")).standalone,
  },
  check: {
    summary: "say what is wrong with manifests",
    load: async () => (await import("./commands/check.ts")).check,
  },
  operator: {
    summary: "the operator in a cluster",
    load: async () => (await import("./commands/operator.ts")).operator,
  },
  dataplane: {
    summary: "the data plane, from a rendered config",
    load: async () => (await import("./commands/dataplane.ts")).dataplane,
  },
  drain: {
    summary: "stop a data plane gracefully, and wait for it",
    load: async () => (await import("./commands/drain.ts")).drain,
  },
  "sample-backend": {
    summary: "a backend to try the gateway with",
    load: async () => (await import("./commands/sample-backend.ts")).sampleBackend,
  },
  connect: {
    summary: "a WebSocket client for the terminal",
    load: async () => (await import("./commands/connect.ts")).connect,
  },
  status: {
    summary: "how a gateway is, and what to type next",
    load: async () => (await import("./commands/status.ts")).status,
  },
  sessions: {
    summary: "the open sessions of a gateway, over all its pods",
    load: async () => (await import("./commands/sessions.ts")).sessions,
  },
  kick: {
    summary: "close sessions, over all pods of a gateway",
    load: async () => (await import("./commands/kick.ts")).kick,
  },
  trace: {
    summary: "handshakes with their policy trace, or frames, as they come",
    load: async () => (await import("./commands/trace.ts")).trace,
  },
  debug: {
    summary: "the debug page of a gateway, over all its pods",
    load: async () => (await import("./commands/debug.ts")).debug,
  },
};

/** Runs the command that was typed after `wsproxy`, or prints help. Resolves with the exit code. */
export async function runCommandLine(typed: readonly string[], io: CommandIO): Promise<number> {
  const { out, err } = io;
  const [first = "", ...rest] = typed;
  const overview = (): string =>
    programHelp(Object.entries(COMMANDS).map(([name, { summary }]) => ({ name, summary })));
  if (first === "--version" || first === "-V" || first === "version") {
    out.write(`wsproxy ${VERSION}\n`);
    return EXIT.ok;
  }
  const asked = ["help", "--help", "-h"].includes(first);
  const name = asked ? (rest[0] ?? "") : first;
  if (asked && name === "") {
    out.write(overview());
    return EXIT.ok;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (entry === undefined) {
    err.write(name === "" ? overview() : `wsproxy: ${unknownCommand(name)}\n`);
    return EXIT.usage;
  }
  const command = await entry.load();
  try {
    const args = new Arguments(command.options, command.operands ?? [], asked ? ["--help"] : rest);
    if (!args.help) return await command.run(args, io);
    out.write(commandHelp(name, command));
    return EXIT.ok;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    err.write(`wsproxy ${name}: ${error.message}\n`);
    err.write(`usage: wsproxy ${name} ${command.synopsis}; more with --help\n`);
    return EXIT.usage;
  }
}

function unknownCommand(name: string): string {
  const guess = nearest(name, Object.keys(COMMANDS));
  const hint = guess === undefined ? "wsproxy --help lists them all" : `did you mean ${guess}?`;
  const what = name.startsWith("-") ? "option" : "command";
  return `unknown ${what} ${name.slice(0, 100)}; ${hint}`;
}

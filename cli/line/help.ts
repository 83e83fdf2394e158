import type { OptionSpec } from "./arguments.ts";
import type { Command } from "./command.ts";
import { columns } from "./columns.ts";

/** What `wsproxy --help` prints. */
export function programHelp(commands: readonly { readonly name: string; readonly summary: string }[]): string {
  const list = columns(commands.map(({ name, summary }) => [`  ${name}`, summary]));
  return `wsproxy, the WebSocket API gateway

usage: wsproxy COMMAND [options]

${list}
  wsproxy COMMAND --help   explains a command
  wsproxy --version        says which version this is
`;
}

/** What `wsproxy COMMAND --help` prints. */
export function commandHelp(name: string, { synopsis, about, options }: Command): string {
  const own = Object.entries(options).map(([option, spec]) => [`  ${signature(option, spec)}`, explanation(spec)]);
  const list = columns([...own, ["  -h, --help", "this text"]]);
  return `usage: wsproxy ${name} ${synopsis}\n\n${about}\n\noptions:\n${list}`;
}

function signature(option: string, { short, value }: OptionSpec): string {
  return `${short === undefined ? "    " : `-${short}, `}--${option}${value === undefined ? "" : ` ${value}`}`;
}

function explanation({ help, multiple, default: standard }: OptionSpec): string {
  const notes = [multiple === true ? "may be repeated" : "", standard === undefined ? "" : `default ${standard}`];
  const said = notes.filter((note) => note !== "").join(", ");
  return said === "" ? help : `${help} (${said})`;
}

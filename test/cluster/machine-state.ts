import { readFile } from "node:fs/promises";
import { command } from "./command.ts";

/** What a cluster changes on a machine while it is up, a line for each thing. */
export async function machineState(): Promise<Set<string>> {
  const listings = await Promise.all([
    linesOf("link", ["ip", "-o", "link", "show"], (line) => line.split(":")[1]?.trim()),
    linesOf("route", ["ip", "route", "show"], (line) => line),
    linesOf("network namespace", ["ip", "netns", "list"], (line) => line.split(" ")[0]),
    linesOf("cgroup", ["find", "/sys/fs/cgroup", "-maxdepth", "2", "-name", "wsproxy*"], (line) => line),
    linesOf("iptables", ["iptables-save"], (line) => (/^[-*]/.test(line) ? line : undefined)),
    linesOf("process", ["ps", "-eo", "args="], (line) => (line.includes("/wsproxy-e2e/") ? line : undefined)),
    mounts(),
    settings(),
  ]);
  return new Set(listings.flat());
}

/** What is there now and was not, and what was and is not. */
export function changes(before: ReadonlySet<string>, after: ReadonlySet<string>): string[] {
  return [
    ...[...after].filter((line) => !before.has(line)).map((line) => `left behind: ${line}`),
    ...[...before].filter((line) => !after.has(line)).map((line) => `gone: ${line}`),
  ];
}

async function linesOf(
  what: string,
  [file = "", ...args]: readonly string[],
  part: (line: string) => string | undefined,
): Promise<string[]> {
  const lines = (await command(file, args)).split("\n");
  return lines.flatMap((line) => {
    const found = line === "" ? undefined : part(line);
    return found === undefined ? [] : [`${what} ${found}`];
  });
}

/** Without those of image builds, which may run beside us. */
async function mounts(): Promise<string[]> {
  const lines = (await readFile("/proc/self/mounts", "utf8")).split("\n");
  return lines
    .map((line) => line.split(" ")[1] ?? "")
    .filter((point) => point !== "" && !/\/(containers|buildah)/.test(point))
    .map((point) => `mount ${point}`);
}

/** What a node sets for the whole machine. */
async function settings(): Promise<string[]> {
  const names = [
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/ip_forward",
  ];
  return Promise.all(names.map(async (name) => `${name} = ${(await readFile(`/proc/sys/${name}`, "utf8")).trim()}`));
}

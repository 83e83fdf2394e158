import { readFileSync } from "node:fs";
import { totalmem } from "node:os";

/** What of the machine a memory limit is read from. */
export interface Machine {
  /** Content of a file; undefined where it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** Of the host, in bytes. */
  readonly total: number;
}

/** The machine that this process runs on. */
export function thisMachine(): Machine {
  const read = (path: string): string | undefined => {
    try {
      return readFileSync(path, "utf8");
    } catch {
      return undefined;
    }
  };
  return { read, total: totalmem() };
}

const ROOT = "/sys/fs/cgroup";

/**
 * Memory in bytes that this process may have by its cgroup: the smallest limit of its own and of those above it.
 * Undefined where none of them has one below what the host has.
 */
export function memoryLimit({ read, total }: Machine): number | undefined {
  const lines = (read("/proc/self/cgroup") ?? "").split("\n").map((line) => line.split(":"));
  const limits = lines.flatMap(([, controllers = "", ...path]) => {
    if (controllers === "") return [ROOT, `${ROOT}/unified`].flatMap((root) => filesAbove(root, path, "memory.max"));
    if (!controllers.split(",").includes("memory")) return [];
    return filesAbove(`${ROOT}/memory`, path, "memory.limit_in_bytes");
  });
  const bytes = limits.map((file) => bytesIn(read(file))).filter((limit) => limit > 0 && limit < total);
  return bytes.length === 0 ? undefined : Math.min(...bytes);
}

/** A file in a cgroup and in all above it, as far as the mount shows them: in a container its own is most often the root. */
function filesAbove(root: string, path: readonly string[], name: string): string[] {
  const parts = path
    .join(":")
    .split("/")
    .filter((part) => part !== "");
  return [...parts, ""].map((_, depth) => [root, ...parts.slice(0, depth), name].join("/"));
}

/** NaN where there is no number: `max` is no limit. */
function bytesIn(content: string | undefined): number {
  return /^[0-9]+\s*$/.test(content ?? "") ? Number(content) : Number.NaN;
}

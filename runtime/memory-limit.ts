import { readFileSync } from "node:fs";
import { totalmem } from "node:os";

/** The parts of a machine that a memory limit is read from. */
export interface Machine {
  /** Content of a file; undefined: it cannot be read. */
  readonly read: (path: string) => string | undefined;
  /** Memory of the host, in bytes. */
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
 * The memory limit of this process in bytes: the smallest limit of its cgroup and of the cgroups above (v1 and v2).
 * Undefined: none of them is below the memory of the host.
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

/**
 * Paths of a file in a cgroup and in all cgroups above it. In a container the mount mostly shows its own cgroup as the
 * root.
 */
function filesAbove(root: string, path: readonly string[], name: string): string[] {
  const parts = path
    .join(":")
    .split("/")
    .filter((part) => part !== "");
  return [...parts, ""].map((_, depth) => [root, ...parts.slice(0, depth), name].join("/"));
}

/** NaN: no limit, which cgroup v2 writes as `max`. */
function bytesIn(content: string | undefined): number {
  return /^[0-9]+\s*$/.test(content ?? "") ? Number(content) : Number.NaN;
}

import { readdirSync, readFileSync } from "node:fs";

/** What the system lets this process have, and what it has now. */
export interface DescriptorLimit {
  /** RLIMIT_NOFILE, the soft limit: Node raises it to the hard one when it starts. */
  readonly limit: number;
  /** Open now. */
  readonly open: number;
}

/** Where /proc does not say: the hard limit that a Linux kernel starts its processes with. */
const ASSUMED: DescriptorLimit = { limit: 4096, open: 32 };
/** "unlimited" is none in truth: no process of Linux may have more unless `fs.nr_open` is raised. */
const MOST = 1_048_576;

/** Asks /proc for the file descriptors that this process may have and has; without a /proc, 4,096 and 32 are assumed. */
export function descriptorLimit(proc = "/proc/self"): DescriptorLimit {
  try {
    const limits = readFileSync(`${proc}/limits`, "utf8");
    const [, soft] = /^Max open files +(\d+|unlimited) /m.exec(limits) ?? [];
    if (soft === undefined) return ASSUMED;
    return { limit: soft === "unlimited" ? MOST : Number(soft), open: readdirSync(`${proc}/fd`).length };
  } catch {
    return ASSUMED;
  }
}

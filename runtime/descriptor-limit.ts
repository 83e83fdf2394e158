import { readdirSync, readFileSync } from "node:fs";

/** File descriptors that this process may have, and has. */
export interface DescriptorLimit {
  /** The soft limit of RLIMIT_NOFILE, which Node raises to the hard limit at its start. */
  readonly limit: number;
  /** How many are open now. */
  readonly open: number;
}

/** Used where /proc gives no answer: 4,096 is the hard limit that the Linux kernel gives its first process. */
const ASSUMED: DescriptorLimit = { limit: 4096, open: 32 };
/** Used for "unlimited": the default of `fs.nr_open`, above which Linux gives no process a descriptor. */
const MOST = 1_048_576;

/** Reads from /proc how many file descriptors this process may have and has; without /proc it assumes 4,096 and 32. */
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

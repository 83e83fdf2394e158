import { PODS } from "./pods.ts";
import { scriptOf } from "./script.ts";

/**
 * A pod joins under a new id. KEYS pods; ARGV id, ttl (ms). Gives the age in ms of what the store remembers: while that
 * is little, the store does not know all pods.
 */
export const JOIN = scriptOf(
  "Join",
  `${PODS}
local ttl = tonumber(ARGV[2])
local age = sweep(ttl)
live(ARGV[1], ttl)
return age`,
);

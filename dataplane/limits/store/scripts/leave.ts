import { scriptOf } from "./script.ts";

/**
 * A pod leaves in order: from now on its places do not count. KEYS pods; ARGV ids…. The text goes along: the pod may be gone
 * before it hears that the store does not have the script.
 */
export const LEAVE = scriptOf(
  "Leave",
  `for i = 1, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
return 1`,
  true,
);

import { PODS } from "./pods.ts";
import { scriptOf } from "./script.ts";

/** Gives places back. KEYS pods, counts…; ARGV id, how many of each…. 1; 0: the id is not known, and nothing was done. */
export const GIVE = scriptOf(
  "Give",
  `${PODS}
if not lives(redis.call('HGET', KEYS[1], ARGV[1])) then return 0 end
for i = 2, #KEYS do
  if redis.call('HINCRBY', KEYS[i], ARGV[1], -ARGV[i]) <= 0 then redis.call('HDEL', KEYS[i], ARGV[1]) end
end
return 1`,
  true,
);

import { PODS } from "./pods.ts";
import { scriptOf } from "./script.ts";

/**
 * The id lives on. KEYS pods; ARGV id, ttl (ms), ids to drop…. Gives the age in ms of what the store remembers; -1: the
 * id was thought dead, or the store forgot it.
 */
export const RENEW = scriptOf(
  "Renew",
  `${PODS}
local ttl = tonumber(ARGV[2])
local known = redis.pcall('HGET', KEYS[1], ARGV[1])
if type(known) ~= 'string' or not lives(known) then return -1 end
local age = sweep(ttl)
for i = 3, #ARGV do redis.call('HDEL', KEYS[1], ARGV[i]) end
live(ARGV[1], ttl)
return age`,
);

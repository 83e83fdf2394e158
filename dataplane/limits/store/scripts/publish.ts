import { PODS } from "./pods.ts";
import { scriptOf } from "./script.ts";

/**
 * Writes what a pod holds, whatever the store had of it. KEYS pods, counts…; ARGV id, life of a key (ms), number of former
 * ids, these…, how many the pod holds of each…. 1; 0: the id is not known, and nothing was done.
 *
 * What it takes off and adds must not come before or behind what was sent before or behind it.
 */
export const PUBLISH = scriptOf(
  "Publish",
  `${PODS}
local id, life, former = ARGV[1], ARGV[2], tonumber(ARGV[3])
if not lives(redis.call('HGET', KEYS[1], id)) then return 0 end
for i = 2, #KEYS do
  local key, n = KEYS[i], ARGV[2 + former + i]
  local done = redis.pcall('HSET', key, id, n)
  if type(done) == 'table' and done.err then
    if not string.find(done.err, 'WRONGTYPE', 1, true) then return done end
    redis.call('DEL', key) -- of another type: nothing in there is ours
    redis.call('HSET', key, id, n)
  end
  if n == '0' then redis.call('HDEL', key, id) else redis.call('PEXPIRE', key, life) end
  for old = 1, former do redis.call('HDEL', key, ARGV[3 + old]) end
end
return 1`,
  true,
);

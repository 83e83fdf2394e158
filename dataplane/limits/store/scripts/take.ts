import { BUCKET } from "./bucket.ts";
import { scriptOf } from "./script.ts";

/** Fields of one key up to which the script does not ask how many pods there are. */
const FEW_FIELDS = 16;

/**
 * What one handshake asks. KEYS pods, buckets…, counts…; ARGV id, grace (ms), life of a count (ms), 1 if the limits only
 * tell, number of buckets, (limit, interval, burst)…, (limit of a count, or '')…. Tokens are
 * taken of all buckets or of none, and before the places: an attempt that finds all places taken is an attempt. Places are
 * taken all or none. Lines are numbered from 0, the buckets first.
 *
 * {1, exceeded lines…}: in; {0, line, wait in ms}: refused; {-1}: the id is not known; {-2}: the store is too new to know
 * all pods; {-3}: a key is no bucket.
 *
 * A field counts while its id lives. That is looked up only when it matters: at the limit, or when dead fields pile up.
 * An id's first place renews the life of the key, which may hold the fields of dead pods only, and be about to end.
 */
export const TAKE = scriptOf(
  "Take",
  `${BUCKET}
local ms = math.floor(us / 1000)
local id, shadow, buckets = ARGV[1], ARGV[4] == '1', tonumber(ARGV[5])
local first, limits = 1 + buckets, 5 + 3 * buckets
local exceeded = {}

if #KEYS > first then
  local me = redis.call('HMGET', KEYS[1], id, '@')
  local till, since = tonumber(me[1]), tonumber(me[2])
  if not till or till < ms then return {-1} end
  if not since or (since <= ms and ms - since < tonumber(ARGV[2])) then return {-2} end
end

local found, refusal, wait = {}, nil, 0
for i = 1, buckets do
  local at = 3 + 3 * i
  local limit, interval, burst = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local b = readBucket(KEYS[1 + i], limit, interval, burst, us)
  if not b then return {-3} end
  if b.t + 1e-6 >= 1 then found[i] = b
  else
    exceeded[#exceeded + 1] = i - 1
    refusal = refusal or i - 1
    wait = math.max(wait, math.ceil((1 - b.t) * interval / limit))
  end
end
if refusal and not shadow then return {0, refusal, math.min(wait, 1e15)} end

local function alive(key, counts)
  local sum, dead, ids = 0, {}, redis.call('HKEYS', key)
  local tills = redis.call('HMGET', KEYS[1], unpack(ids))
  for j, till in ipairs(tills) do
    local n = tonumber(till)
    if n and n >= ms then sum = sum + math.max(0, tonumber(counts[j]) or 0) else dead[#dead + 1] = ids[j] end
  end
  if #dead > 0 then redis.call('HDEL', key, unpack(dead)) end
  return sum
end
local taken
for i = 1, #KEYS - first do
  local key, limit = KEYS[first + i], tonumber(ARGV[limits + i])
  local sum, counts = 0, redis.call('HVALS', key)
  for j = 1, #counts do sum = sum + math.max(0, tonumber(counts[j]) or 0) end
  local full = limit and sum >= limit
  if #counts > 0 and (full or #counts > ${FEW_FIELDS} and #counts > 2 * redis.call('HLEN', KEYS[1])) then
    local living = alive(key, counts)
    full = limit and living >= limit
  end
  if full then
    local line = buckets + i - 1
    if not shadow then
      taken = line
      break
    end
    exceeded[#exceeded + 1] = line
  end
end

for i = 1, buckets do
  local b, at = found[i], 3 + 3 * i
  if b then
    b.t = b.t - 1
    writeBucket(KEYS[1 + i], b, tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), us)
  end
end
if taken then return {0, taken, 0} end
for i = 1, #KEYS - first do
  if redis.call('HINCRBY', KEYS[first + i], id, 1) == 1 then redis.call('PEXPIRE', KEYS[first + i], ARGV[3]) end
end
return {1, unpack(exceeded)}`,
);

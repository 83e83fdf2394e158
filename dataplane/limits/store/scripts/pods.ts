/**
 * The format of the hash of pods, KEYS[1], as Lua functions: id → the ms of the server's clock until which the id lives;
 * `@` → since when the hash is there. `lives(till)`: the id with this field is alive. `sweep(ttl)` deletes ids that are
 * dead, and gives the age of the hash in ms.
 */
export const PODS = `
local clock = redis.call('TIME')
local ms = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function lives(till)
  local n = tonumber(till)
  return n ~= nil and n >= ms
end
local function sweep(ttl)
  local all = redis.pcall('HGETALL', KEYS[1])
  if all.err then -- of another type: nothing in there is ours
    redis.call('DEL', KEYS[1])
    all = {}
  end
  local since
  for i = 1, #all, 2 do
    local id, till = all[i], tonumber(all[i + 1])
    if id == '@' then since = till
    elseif not lives(till) then redis.call('HDEL', KEYS[1], id)
    elseif till > ms + ttl then redis.call('HSET', KEYS[1], id, string.format('%.0f', ms + ttl)) end -- the clock stepped back
  end
  if not since then
    since = ms
    redis.call('HSET', KEYS[1], '@', string.format('%.0f', ms))
  elseif since > ms then -- the clock stepped back: the hash is no newer for that
    since = 0
    redis.call('HSET', KEYS[1], '@', '0')
  end
  return ms - since
end
local function live(id, ttl)
  redis.call('HSET', KEYS[1], id, string.format('%.0f', ms + ttl))
  redis.call('PEXPIRE', KEYS[1], math.floor(ttl * 3 / 4))
end
`;

/** How long what a pod holds of a bucket counts after the pod has last told it, in ms. */
export const LEASE = 15_000;
/** How long a bucket that is not used any more stays in the store, in ms: longer than the lease of what is held. */
const LINGER = 10_000;

/**
 * The format of a bucket in the store, as Lua functions that a script begins with. A bucket is a hash:
 *
 * - `t`: tokens, a double; `a`: when they were counted, in µs of the server's clock.
 * - `h<id>`: what the pod `id` holds of it, five whole numbers: tokens held, until when they count (µs), the number of the
 *   call that wrote this, what that call granted, and the burst. What was held of another burst counts no more: the pods
 *   give it up when their limit changes, and a bucket that became small must not wait for them to tell.
 *
 * At every moment tokens and all that is held are `burst` at most: a bucket does not fill up while pods sit on its tokens.
 * What a pod held when its time ended counts as used. Sums of doubles may end just short of a whole number: `n` tokens are
 * there when `b.t + 1e-6 >= n`, and what is taken too much (a millionth) stays as a debt, so that nothing drifts.
 * `readBucket(key, limit, interval, burst, us)` gives
 * `{t, held, pods, fields, gone, back}`, or nil for a key that is no bucket: the script must then take nothing of it.
 * `writeBucket(key, b, limit, interval, burst, us, field, held)` writes what is left in `b.t`, and what a pod holds, if any.
 * `us` is the server's time in µs.
 */
export const BUCKET = `
local time = redis.call('TIME')
local us = time[1] * 1000000 + time[2]
local lease = ${LEASE * 1000}
local function number(text)
  local n = tonumber(text)
  if n and n == n and n > -1e300 and n < 1e300 then return n end
end
local function readBucket(key, limit, interval, burst, us)
  local all = redis.pcall('HGETALL', key)
  if all.err then return nil end
  local b = { t = burst, held = 0, pods = 0, fields = {}, gone = {}, back = {} }
  if #all == 0 then return b end
  local tokens, at, lost, last = nil, nil, 0, nil
  for i = 1, #all, 2 do
    local field, text = all[i], all[i + 1]
    if field == 't' then tokens = number(text)
    elseif field == 'a' then at = number(text)
    else
      local held, till, call, granted, of = string.match(text, '^(%d+) (%d+) (%d+) (%d+) (%d+)$')
      held, till, call, granted, of = number(held), number(till), number(call), number(granted), number(of)
      if not held or not till or not call or not granted or not of then return nil end
      if till > us + lease then -- the server's clock stepped back
        till = us + lease
        b.back[#b.back + 1] = field
        b.back[#b.back + 1] = string.format('%.0f %.0f %.0f %.0f %.0f', held, till, call, granted, of)
      end
      if of ~= burst then
        b.gone[#b.gone + 1] = field
      elseif till < us then
        b.gone[#b.gone + 1] = field
        lost = lost + held
        if not last or till > last then last = till end
      else
        b.held = b.held + held
        b.pods = b.pods + 1
        b.fields[field] = { held = held, till = till, call = call, granted = granted }
      end
    end
  end
  if not tokens or not at then return nil end
  local rate = limit / (interval * 1000)
  if last and last > at then -- so long the bucket had no room for what those pods held
    tokens = math.min(math.max(0, burst - b.held - lost), tokens + (last - at) * rate)
    at = last
  end
  b.t = math.max(-1e-6, math.min(burst - b.held, tokens + math.max(0, us - at) * rate))
  return b
end
local function writeBucket(key, b, limit, interval, burst, us, field, held)
  if b.t >= burst and b.pods == 0 then redis.call('DEL', key) return end
  for i = 1, #b.back, 2 do redis.call('HSET', key, b.back[i], b.back[i + 1]) end
  for i = 1, #b.gone do redis.call('HDEL', key, b.gone[i]) end
  local tokens, at = string.format('%.17g', b.t), string.format('%.0f', us)
  if field then redis.call('HSET', key, 't', tokens, 'a', at, field, held)
  else redis.call('HSET', key, 't', tokens, 'a', at) end
  local full = math.ceil((burst - b.t) * interval / limit)
  local life = math.min(1e14, math.max(full, b.pods > 0 and ${LEASE} or 0) + ${LINGER})
  redis.call('PEXPIRE', key, string.format('%.0f', life))
end
`;

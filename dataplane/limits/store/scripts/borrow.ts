import { hash } from "node:crypto";
import { BUCKET } from "./bucket.ts";
import type { Script } from "./script.ts";

/** Numbers of the answer for each bucket. */
export const BORROW_ANSWERS = 3;

/**
 * KEYS bucket…; ARGV id of the process, number of the call (each larger than the one before), and a text with a line for
 * each bucket, of ten words: limit, interval, burst, holder, seen, holds, back, least, need, ahead. A process has many
 * holders, each of one bucket.
 *
 * `holds`: what the holder has now of what it was given to hold; `back`: what it gives back; the rest of what it held it has
 * spent. `seen`: the last call whose answer it got: what a call granted ahead whose answer was lost is in the bucket again.
 * `need` is spent as soon as it is granted; all of it, or `least` of it at least, or nothing. `ahead` is held, at most the
 * holder's share of half the bucket.
 *
 * The answer is a text with three numbers for each bucket: granted (-1: the key is no bucket, or the call came out of turn);
 * where the bucket has run empty, µs until `least` is there, or one token if all of `need` was granted; and how much of
 * `holds` the holder may keep: all of it, unless the store has forgotten it.
 */
const text = `${BUCKET}
local LINE = '(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S+)'
local id, call, out, i = ARGV[1], tonumber(ARGV[2]), {}, 0
for limit, interval, burst, holder, seen, holds, back, least, need, ahead in string.gmatch(ARGV[3], LINE) do
  i = i + 1
  limit, interval, burst, seen = tonumber(limit), tonumber(interval), tonumber(burst), tonumber(seen)
  holds, back, least, need, ahead = tonumber(holds), tonumber(back), tonumber(least), tonumber(need), tonumber(ahead)
  local field = 'h' .. id .. '.' .. holder
  local b = readBucket(KEYS[i], limit, interval, burst, us)
  local me = b and b.fields[field]
  local granted, wait, kept = -1, 0, 0
  if b and not (me and me.call >= call) then
    local held = 0
    if me then
      held = me.held
      b.held = b.held - held
      b.pods = b.pods - 1
      if me.call ~= seen then
        local lost = math.min(held, me.granted)
        held = held - lost
        b.t = b.t + lost
      end
    end
    kept = math.min(holds, held)
    b.t = b.t + math.min(back, held - kept)
    if holds > kept then
      local more = math.min(holds - kept, math.max(0, math.floor(b.t)))
      kept = kept + more
      b.t = b.t - more
    end
    granted = 0
    local share = math.max(0, burst / 2 / (b.pods + 1) - kept)
    local spent = 0
    if b.t + 1e-6 >= least then
      spent = math.min(need, math.max(0, math.floor(b.t + 1e-6)))
      granted = spent + math.floor(math.max(0, math.min(b.t + 1e-6 - spent, ahead, share)))
      b.t = b.t - granted
    end
    local missing = spent < need and math.min(least, burst) or ahead > granted - spent and 1 or 0
    if missing > b.t then wait = math.min(1e15, math.ceil((missing - b.t) * interval * 1000 / limit)) end
    local holding = kept + granted - spent
    if holding > 0 then
      b.pods = b.pods + 1
      local tells = string.format('%.0f %.0f %.0f %.0f %.0f', holding, us + lease, call, granted - spent, burst)
      writeBucket(KEYS[i], b, limit, interval, burst, us, field, tells)
    else
      if me then b.gone[#b.gone + 1] = field end
      writeBucket(KEYS[i], b, limit, interval, burst, us)
    end
  end
  out[i] = string.format('%.0f %.0f %.0f', granted, math.max(0, wait), kept)
end
return table.concat(out, ' ')`;

/** Borrows tokens of several buckets, and tells what became of those that were borrowed before. */
export const BORROW: Script = { operation: "Borrow", text, sha1: hash("sha1", text) };

import type { StoreServer } from "./server.ts";

const SUMS = `
  local time = redis.call('TIME')
  local now = time[1] * 1000 + time[2] / 1000
  local sums = {}
  for _, key in ipairs(redis.call('KEYS', '*:c:*')) do
    local pods = string.match(key, '^({.*}:)c:') .. 'pods'
    local sum = 0
    for _, id in ipairs(redis.call('HKEYS', key)) do
      local lives = tonumber(redis.call('HGET', pods, id) or '0')
      if lives > now then sum = sum + tonumber(redis.call('HGET', key, id)) end
    end
    if sum ~= 0 then sums[#sums + 1] = sum end
  end
  return sums`;

/** What a store without replicas or slots counts: the places of pods that live, a number for each subject, sorted. */
export async function placesHeld(store: StoreServer): Promise<number[]> {
  const sums = (await store.ask("EVAL", SUMS, "0")) as number[];
  return sums.toSorted((a, b) => a - b);
}

/** Commands that a store has done so far, by their names. */
export async function commandsDone(store: StoreServer): Promise<Map<string, number>> {
  const text = String(await store.ask("INFO", "commandstats"));
  return new Map(
    [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = "", calls]) => [name, Number(calls)]),
  );
}

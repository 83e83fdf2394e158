import { visible } from "./shown.js";

/** @import { Served } from "./events.js" */

/** Lines of the list. */
const MOST_LINES = 40;

/**
 * Pods and the generation that each serves, in a few words.
 * @param {readonly Served[]} served
 */
export function servedOf(served) {
  const pods = new Set(served.flatMap(({ pod }) => pod ?? []));
  const proxies = new Set(served.map(({ proxy }) => proxy));
  const generations = new Map();
  for (const { generation, removed } of served) {
    const words = removed || generation === undefined ? "none" : String(generation);
    generations.set(words, (generations.get(words) ?? 0) + 1);
  }
  const problems = served.filter(
    ({ rejected, removed, generation }) => rejected !== undefined || removed || generation === undefined,
  );
  const lines = served.map(({ pod, proxy, generation, removed, rejected }) => {
    const state = removed
      ? "its config was removed"
      : generation === undefined
        ? "no config"
        : `generation ${generation}`;
    const refusal = rejected === undefined ? "" : `; it refused a newer one: ${visible(rejected)}`;
    return `${visible(pod === undefined ? proxy : `${pod} · ${proxy}`)}: ${state}${refusal}`;
  });
  const more = lines.length > MOST_LINES ? [`and ${lines.length - MOST_LINES} more`] : [];
  return {
    title: titleOf(served.length, pods.size, proxies.size),
    detail: detailOf(generations, problems.length),
    problem:
      problems.length > 0 || served.length === 0 || (pods.size > 0 && proxies.size === 1 && generations.size > 1),
    list: [...lines.slice(0, MOST_LINES), ...more].join("\n"),
  };
}

/**
 * @param {number} entries
 * @param {number} pods
 * @param {number} proxies
 */
function titleOf(entries, pods, proxies) {
  if (entries === 0) return "nothing";
  if (pods > 0) return pods === 1 ? "1 pod" : `${pods} pods`;
  return proxies === 1 ? "1 proxy" : `${proxies} proxies`;
}

/**
 * @param {ReadonlyMap<string, number>} generations
 * @param {number} problems
 */
function detailOf(generations, problems) {
  const parts = [...generations]
    .slice(0, 3)
    .map(([words, times]) => (generations.size === 1 ? words : `${words} (${times})`));
  const more = generations.size > 3 ? " …" : "";
  const words = parts.length === 0 ? "" : `gen ${parts.join(", ")}${more}`;
  return problems > 0 ? `${words} · config refused or gone` : words;
}

import { visible } from "./shown.js";

/**
 * @import { readFailures, Served } from "./events.js"
 *
 * @typedef {object} ServedLine what one pod serves of one proxy
 * @property {string} name
 * @property {string} words
 * @property {boolean} bad
 */

/** Lines of the list. */
const MOST_LINES = 40;

/**
 * Pods and the generation that each serves, in a few words and as a list; what stands out comes first.
 * @param {readonly Served[]} served
 * @param {ReturnType<typeof readFailures>} [failures] pods that did not answer
 */
export function servedOf(served, failures = []) {
  const pods = new Set(served.flatMap(({ pod }) => pod ?? []));
  const proxies = new Set(served.map(({ proxy }) => proxy));
  const generations = new Map();
  for (const { generation, removed } of served) {
    const words = removed || generation === undefined ? "none" : String(generation);
    generations.set(words, (generations.get(words) ?? 0) + 1);
  }
  const problems = served.filter(isProblem).length;
  const silent = failures.filter(({ pod }) => !pods.has(pod));
  const lines = [
    ...silent.map(({ pod, message }) => ({ name: visible(pod), words: `no answer: ${visible(message)}`, bad: true })),
    ...served.filter(isProblem).map(lineOf),
    ...served.filter((one) => !isProblem(one)).map(lineOf),
  ];
  const more = lines.length - MOST_LINES;
  const rest = { name: `and ${more} more`, words: "", bad: false };
  const differ = pods.size > 0 && proxies.size === 1 && generations.size > 1;
  return {
    title: titleOf(served.length, pods.size, proxies.size, silent.length),
    detail: detailOf(generations, problems),
    problem: problems > 0 || silent.length > 0 || served.length === 0 || differ,
    lines: more > 0 ? [...lines.slice(0, MOST_LINES), rest] : lines,
  };
}

/** @param {Served} served */
function isProblem({ rejected, removed, generation }) {
  return rejected !== undefined || removed || generation === undefined;
}

/**
 * @param {Served} served
 * @returns {ServedLine}
 */
function lineOf(served) {
  const { pod, proxy, generation, removed, rejected } = served;
  const state = removed
    ? "its config was removed"
    : generation === undefined
      ? "no config"
      : `generation ${generation}`;
  const refusal = rejected === undefined ? "" : `; it refused a newer one: ${visible(rejected)}`;
  const name = visible(pod === undefined ? proxy : `${pod} · ${proxy}`);
  return { name, words: `${state}${refusal}`, bad: isProblem(served) };
}

/**
 * @param {number} entries
 * @param {number} pods that answered
 * @param {number} proxies
 * @param {number} silent pods that did not
 */
function titleOf(entries, pods, proxies, silent) {
  if (silent > 0) return `${pods} of ${pods + silent} pods`;
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
  const words = [
    parts.length === 0 ? "" : `gen ${parts.join(", ")}${more}`,
    problems > 0 ? "config refused or gone" : "",
  ];
  return words.filter(Boolean).join(" · ");
}

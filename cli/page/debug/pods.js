/** @import { readFailures } from "./events.js" */

// Which pods feed this page, which of them give no answer, and which came and went.

/** Pods of which this page knows something. */
const MOST_PODS = 1024;
/** Words about all pods that are shown. */
const MOST_REMARKS = 3;
/** A pod that ends gives no answer for a moment before it is gone: it is no trouble before that time, in ms. */
const GRACE = 2500;
/** When it is told that a pod came or went, and until when, in ms: a stream that broke for a moment is no news. */
const NEWS = { from: 1000, to: 12_000 };

/**
 * @typedef {object} Trouble
 * @property {string | undefined} pod undefined: it is about all pods
 * @property {string} message
 *
 * @typedef {{ readonly message: string, readonly since: number }} Silence
 */

/** What is known of the pods of a proxy. Of one process by its URL there are none. */
export class Pods {
  /** @type {ReadonlySet<string> | undefined} pods whose streams are open; undefined: the gateway has not told any */
  #watched;
  /** @type {ReadonlyMap<string, Silence>} pods whose stream cannot be opened */
  #unwatched = new Map();
  /** @type {ReadonlyMap<string, Silence>} pods that did not answer the last question */
  #unasked = new Map();
  /** @type {string[]} */
  #remarks = [];
  /** @type {Map<string, { readonly came: boolean, readonly at: number }>} */
  #news = new Map();

  /** No pod is watched, though there were some or there should be. */
  get none() {
    return this.#watched?.size === 0;
  }

  /** @returns {ReadonlySet<string> | undefined} */
  get watched() {
    return this.#watched;
  }

  /** A stream begins: what an earlier one told of pods is over. */
  begin() {
    this.#watched = undefined;
    this.#unwatched = new Map();
    this.#unasked = new Map();
    this.#remarks = [];
  }

  /**
   * Which pods are watched now, and which cannot be.
   * @param {{ readonly pods: readonly string[], readonly failures: ReturnType<typeof readFailures> }} told
   * @param {number} now in ms
   */
  told({ pods, failures }, now) {
    const before = this.#watched;
    const watched = new Set(pods.slice(0, MOST_PODS));
    const unwatched = silences(failures, this.#unwatched, now);
    if (before !== undefined) {
      for (const pod of watched) if (!before.has(pod) && !this.#unwatched.has(pod)) this.#tell(pod, true, now);
      const gone = [...before, ...this.#unwatched.keys()];
      for (const pod of gone) if (!watched.has(pod) && !unwatched.has(pod)) this.#tell(pod, false, now);
    }
    if (before?.size === 0 && watched.size > 0) this.#remarks = [];
    this.#watched = watched;
    this.#unwatched = unwatched;
  }

  /**
   * @param {Trouble} trouble
   * @param {number} now in ms
   */
  trouble({ pod, message }, now) {
    if (pod === undefined) {
      this.#remarks = [...this.#remarks.filter((one) => one !== message), message].slice(-MOST_REMARKS);
    } else if (this.#unwatched.size < MOST_PODS) {
      const since = this.#unwatched.get(pod)?.since ?? now;
      this.#unwatched = new Map([...this.#unwatched, [pod, { message, since }]]);
      this.#news.delete(pod);
    }
  }

  /** One process says its first words again: what kept it from being watched is over. */
  speaks() {
    if (this.#watched === undefined) this.#remarks = [];
  }

  /**
   * The pods that did not answer a question that goes to all of them.
   * @param {ReturnType<typeof readFailures>} failures
   * @param {number} now in ms
   */
  asked(failures, now) {
    this.#unasked = silences(failures, this.#unasked, now);
  }

  /** A person has read it. @param {string} message */
  dismiss(message) {
    this.#remarks = this.#remarks.filter((one) => one !== message);
  }

  /**
   * What is wrong now: what is about all pods, the newest first, and one trouble for each pod.
   * @param {number} now in ms
   * @returns {Trouble[]}
   */
  troubles(now) {
    const pods = new Map([...this.#unasked, ...this.#unwatched]);
    const long = [...pods].filter(([, { since }]) => now - since >= GRACE);
    return [
      ...this.#remarks.toReversed().map((message) => ({ pod: undefined, message })),
      ...long.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([pod, { message }]) => ({ pod, message })),
    ];
  }

  /**
   * The pods that came and went a moment ago, in a few words; empty: none did.
   * @param {number} now in ms
   */
  news(now) {
    for (const [pod, { at }] of this.#news) if (now - at > NEWS.to) this.#news.delete(pod);
    const told = [...this.#news].filter(([, { at }]) => now - at >= NEWS.from);
    return [true, false]
      .flatMap((came) => {
        const names = told.filter(([, one]) => one.came === came).map(([pod]) => pod);
        const verb = came ? "joined" : "left";
        if (names.length === 0) return [];
        return names.length > 2 ? `${names.length} pods ${verb}` : `${names.join(" and ")} ${verb}`;
      })
      .join(", ");
  }

  /**
   * @param {string} pod
   * @param {boolean} came
   * @param {number} at in ms
   */
  #tell(pod, came, at) {
    if (this.#news.get(pod)?.came === !came) this.#news.delete(pod);
    else if (this.#news.size < MOST_PODS) this.#news.set(pod, { came, at });
  }
}

/**
 * @param {ReturnType<typeof readFailures>} failures
 * @param {ReadonlyMap<string, Silence>} before
 * @param {number} now
 * @returns {Map<string, Silence>}
 */
function silences(failures, before, now) {
  return new Map(
    failures.slice(0, MOST_PODS).map(({ pod, message }) => [pod, { message, since: before.get(pod)?.since ?? now }]),
  );
}

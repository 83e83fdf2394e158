import { readConfig, readFailures, readSessions } from "./events.js";
import { Answered } from "./problems.js";
import { Tally } from "./tally.js";
import { countsIn, ratesBetween } from "./totals.js";
import { slept } from "./watch.js";

/**
 * @import { Handshake, Served, Session } from "./events.js"
 * @import { Gateway } from "./gateway.js"
 * @import { Counts, Rates } from "./totals.js"
 *
 * @typedef {object} PollCalls
 * @property {(sessions: readonly Session[], now: number) => void} listed a page of sessions
 * @property {(begun: number, silent: ReadonlySet<string>) => void} listedAll the last page was read of those since `begun`;
 *   `silent`: pods that did not answer
 * @property {(counts: Counts, rates: Rates | undefined) => void} counted
 * @property {(served: readonly Served[], failures: ReturnType<typeof readFailures>) => void} served
 * @property {() => void} unserved no config is known, since no process answers
 */

/** Between two questions, in ms. A page of sessions costs the gateway some milliseconds. */
const EACH = { page: 1000, round: 2000, metrics: 2000, config: 5000 };
/** So many times slower while the page is hidden. */
const UNSEEN = 5;
const PAGE = 1000;

/** Asks the gateway again and again for its sessions, its metrics and its configs. */
export class Polls {
  #gateway;
  #calls;
  #signal;
  #each;
  #isSeen;
  #tally = new Tally();
  /** @type {Counts | undefined} */
  #before;
  /** No gateway behind this page answers `/metrics`: the head line is made of what is listed. */
  #listedOnly = false;

  /**
   * @param {Gateway} gateway
   * @param {PollCalls} calls
   * @param {AbortSignal} signal ends it
   * @param {{ each?: typeof EACH, isSeen?: () => boolean }} [pace]
   */
  constructor(gateway, calls, signal, { each = EACH, isSeen = () => true } = {}) {
    this.#gateway = gateway;
    this.#calls = calls;
    this.#signal = signal;
    this.#each = each;
    this.#isSeen = isSeen;
    void this.#repeat(() => this.#round(), each.round);
    void this.#repeat(() => this.#metrics(), each.metrics);
    void this.#repeat(() => this.#config(), each.config);
  }

  /** @param {Handshake} it */
  handshake(it) {
    this.#tally.handshake(it);
  }

  /**
   * A question that fails is asked again; the stream tells the person why.
   * @param {() => Promise<void>} ask
   * @param {number} ms
   */
  async #repeat(ask, ms) {
    while (!this.#signal.aborted) {
      await ask().catch(() => {});
      await slept(this.#isSeen() ? ms : UNSEEN * ms, this.#signal);
    }
  }

  async #round() {
    const begun = Date.now();
    /** @type {string | undefined} */
    let after;
    this.#tally.beginRound();
    /** @type {Set<string>} */
    const silent = new Set();
    do {
      const query = new URLSearchParams({ limit: String(PAGE), ...(after === undefined ? {} : { after }) });
      const { sessions, next, failures } = readSessions(await this.#gateway.json(`/sessions?${query}`, this.#signal));
      this.#calls.listed(sessions, Date.now());
      this.#tally.listed(sessions);
      for (const { pod } of failures) silent.add(pod);
      after = next;
      if (after !== undefined) await slept(this.#each.page, this.#signal);
    } while (after !== undefined && !this.#signal.aborted);
    this.#calls.listedAll(begun, silent);
    const counts = this.#tally.listedAll(Date.now());
    if (this.#listedOnly) this.#counted(counts);
  }

  async #metrics() {
    try {
      const counts = countsIn(await this.#gateway.text("/metrics", this.#signal), Date.now());
      this.#listedOnly = counts === undefined;
      if (counts !== undefined) this.#counted(counts);
    } catch (error) {
      if (error instanceof Answered) this.#listedOnly = true;
      throw error;
    }
  }

  async #config() {
    try {
      const json = await this.#gateway.json("/config", this.#signal);
      this.#calls.served(readConfig(json), readFailures(json));
    } catch (error) {
      if (!this.#signal.aborted) this.#calls.unserved();
      throw error;
    }
  }

  /** @param {Counts} counts */
  #counted(counts) {
    this.#calls.counted(counts, this.#before === undefined ? undefined : ratesBetween(this.#before, counts));
    this.#before = counts;
  }
}

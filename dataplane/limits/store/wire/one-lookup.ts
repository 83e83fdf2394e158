import { lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";

type Answered = Parameters<LookupFunction>[2];

/** Names that are looked up at a time; a node of a cluster may name another one. */
const MOST_NAMES = 2;

/**
 * Asks the system for the addresses of names, each time anew, but never twice at a time for the same name: each question to
 * a resolver that hangs holds a thread of the few that read files, too.
 */
export class OneLookup {
  readonly #system: LookupFunction;
  /** What waits for the answer: the newest dial, since a link has one connection at a time. */
  readonly #waiting = new Map<string, Answered>();

  constructor(system: LookupFunction = systemLookup) {
    this.#system = system;
  }

  readonly lookup: LookupFunction = (host, options, answered) => {
    const asked = this.#waiting.has(host);
    if (!asked && this.#waiting.size >= MOST_NAMES) {
      const error = Object.assign(new Error("too many names are looked up"), { code: "EAI_AGAIN" });
      process.nextTick(answered, error, []);
      return;
    }
    this.#waiting.set(host, answered);
    if (asked) return;
    this.#system(host, options, (...answer) => {
      const newest = this.#waiting.get(host);
      this.#waiting.delete(host);
      newest?.(...answer);
    });
  };
}

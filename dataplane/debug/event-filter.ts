import { LONGEST_SHOWN } from "../../api/admin-pages.ts";
import { bounded, type Fields } from "../../runtime/log.ts";

/** What a watcher asks for; what is absent does not matter. */
export interface EventWish {
  readonly proxy?: string | undefined;
  readonly route?: string | undefined;
  readonly client?: string | undefined;
  /** In its one spelling. */
  readonly address?: string | undefined;
  /** `accepted`, `refused`, a reason, or a status or close code. */
  readonly outcome?: string | undefined;
}

const EXACT = ["proxy", "route", "client", "address"] as const;

/** Which events a watcher sees. */
export class EventFilter {
  readonly #exact: readonly (readonly [name: string, wanted: string])[];
  readonly #outcome: string | undefined;

  constructor(wish: EventWish = {}) {
    // An event has the beginning of a long text: so has the value that it is compared with.
    this.#exact = EXACT.flatMap((name) => {
      const wanted = wish[name];
      return wanted === undefined ? [] : [[name, bounded(wanted, LONGEST_SHOWN)] as const];
    });
    this.#outcome = wish.outcome;
  }

  /** May there be events of that proxy? */
  passesProxy(proxy: string): boolean {
    return this.#exact.every(([name, wanted]) => name !== "proxy" || wanted === proxy);
  }

  passes(name: string, event: Fields): boolean {
    return this.#exact.every(([field, wanted]) => event[field] === wanted) && this.#hasOutcome(name, event);
  }

  /** What says no outcome, such as a ping, passes only where no outcome is asked for. */
  #hasOutcome(name: string, { status, reason, code }: Fields): boolean {
    const wanted = this.#outcome;
    if (wanted === undefined) return true;
    if (name === "tlsFailed") return wanted === "refused";
    if (name === "closed") return wanted === reason || wanted === String(code);
    if (name !== "handshake") return false;
    if (wanted === "accepted") return status === 101;
    if (wanted === "refused") return status !== 101;
    return wanted === reason || wanted === String(status);
  }
}

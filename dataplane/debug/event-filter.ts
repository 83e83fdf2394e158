import { LONGEST_SHOWN } from "../../api/admin-pages.ts";
import { bounded } from "../../runtime/log.ts";

/** Fields of an event, as a filter reads them. */
export type EventFields = Readonly<Record<string, unknown>>;

/** Parameters that are a field of the event, which must be the same. */
const EXACT = ["proxy", "route", "client", "address"] as const;
const PARAMETERS: readonly string[] = [...EXACT, "outcome"];

/** Which events a watcher sees. */
export class EventFilter {
  readonly #exact: readonly (readonly [string, string])[];
  readonly #outcome: string | undefined;

  private constructor(query: URLSearchParams) {
    // An event has the beginning of a long text: so has the value that it is compared with.
    this.#exact = EXACT.flatMap((name) => {
      const wanted = query.get(name);
      return wanted === null ? [] : [[name, bounded(wanted, LONGEST_SHOWN)] as const];
    });
    this.#outcome = query.get("outcome") ?? undefined;
  }

  /** The filter that a query means, or a sentence that says what is wrong with the query. */
  static of(query: URLSearchParams): EventFilter | string {
    const names = [...query.keys()];
    const unknown = names.some((name) => !PARAMETERS.includes(name));
    if (unknown) return `this stream takes the parameters ${PARAMETERS.join(", ")}, and no other`;
    if (new Set(names).size < names.length) return "a parameter may stand once only";
    const empty = names.find((name) => query.get(name) === "");
    return empty === undefined ? new EventFilter(query) : `${empty} has no value; leave it out to see all`;
  }

  /** Does a watcher of this filter see events of that proxy? */
  passesProxy(proxy: string): boolean {
    return this.#exact.every(([name, wanted]) => name !== "proxy" || wanted === proxy);
  }

  passes(name: string, event: EventFields): boolean {
    return this.#exact.every(([field, wanted]) => event[field] === wanted) && this.#hasOutcome(name, event);
  }

  /** What says no outcome, such as a ping, passes only where no outcome is asked for. */
  #hasOutcome(name: string, { status, reason, code }: EventFields): boolean {
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

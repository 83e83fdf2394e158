import type { Clock } from "../../runtime/clock.ts";
import { Slices } from "../../runtime/loop/slices.ts";
import type { Gateway } from "../gateway.ts";
import type { ServedProxy } from "../served-proxy.ts";
import type { Session } from "../session/session.ts";

/** Sees one session, between two turns of the event loop. */
type Visit = (session: Session, proxy: ServedProxy) => void;

/** Walks over the open sessions of a process: in slices, and one walk after the other, so that a crowd of them costs no more at a time. */
export class SessionWalks {
  readonly #gateway: Gateway;
  readonly #clock: Clock;
  #last: Promise<unknown> = Promise.resolve();

  constructor(gateway: Gateway, clock: Clock) {
    this.#gateway = gateway;
    this.#clock = clock;
  }

  /** Does the work when all that came before is done; what it does between two looks at its slices should be short. */
  async inLine<T>(work: (walk: (visit: Visit) => Promise<void>, slices: Slices) => Promise<T>): Promise<T> {
    const mine = this.#last.then(async () => {
      const slices = new Slices(this.#clock);
      await slices.next(); // else the works of a crowd would run in one turn of the event loop
      return work((visit) => this.#walk(visit, slices), slices);
    });
    this.#last = mine.catch(() => {}); // its caller hears of it
    return mine;
  }

  /** Of the sessions that come meanwhile none is seen, and of those that end meanwhile some are. */
  async #walk(visit: Visit, slices: Slices): Promise<void> {
    for (const proxy of this.#gateway.proxies) {
      for (const session of [...proxy.sessions]) {
        if (slices.spent) await slices.next();
        visit(session, proxy);
      }
    }
  }
}

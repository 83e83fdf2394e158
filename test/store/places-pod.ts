import { keysOf, Occupancy } from "../../dataplane/limits/occupancy.ts";
import type { PlaceLine } from "../../dataplane/limits/shared-limits.ts";
import { Unavailable } from "../../dataplane/limits/store/link.ts";
import { Ledger } from "../../dataplane/limits/store/places.ts";
import type { PlaceTimes } from "../../dataplane/limits/store/ledger/times.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { clientNamed } from "../fakes/policy-bench.ts";
import { PlainLink } from "./plain-link.ts";
import type { StoreServer } from "./server.ts";

/** So short that a test sees the end of them. */
export const SHORT: PlaceTimes = {
  ttl: 2_000,
  renew: 200,
  grace: 700,
  life: 3_000,
  dirty: 20,
  suspect: 100,
  again: 50,
};

export const PREFIX = "{demo/chat}:";

interface PodOptions {
  readonly times?: Partial<PlaceTimes>;
  readonly kinds?: readonly string[];
  readonly clock?: Clock;
  readonly deadline?: number;
}

export interface OpenSession {
  readonly client: string;
  end(): void;
}

export type Outcome = "in" | "refused" | "unavailable";

let pods = 0;

/** A pod with nothing but its counts, and its way to a real store. */
export class PlacesPod {
  readonly occupancy = new Occupancy();
  readonly ledger: Ledger;
  readonly link: PlainLink;
  readonly sessions = new Set<OpenSession>();

  constructor({ port }: Pick<StoreServer, "port">, options: PodOptions = {}) {
    const { times = {}, kinds = ["client", "proxy"], clock = systemClock, deadline } = options;
    pods += 1;
    this.ledger = new Ledger({
      link: () => this.link,
      occupancy: this.occupancy,
      prefix: PREFIX,
      clock,
      incarnation: `pod${pods}`,
      times: { ...SHORT, ...times },
    });
    this.ledger.needs(new Set(kinds));
    this.link = new PlainLink({
      port,
      join: () => this.ledger.join(),
      ...(deadline === undefined ? {} : { deadline }),
    });
  }

  /** A handshake as the gateway makes it, with `whenUnavailable: Refuse`. */
  async attempt(client: string, limits: Readonly<Record<string, number>>): Promise<Outcome> {
    const identity = clientNamed(client);
    const where = { addressSubject: "192.0.2.1" };
    const leave = this.occupancy.enter("main", identity, where);
    const keys = keysOf("main", identity, where);
    const needed = this.ledger.needed(keys);
    const places = needed.map((key): PlaceLine => ({ key, limit: limits[key.slice(0, key.indexOf("\n"))] }));
    try {
      const answer = await this.ledger.take({ buckets: [], places, shadow: false });
      if (answer.kind === "refused") {
        leave();
        return "refused";
      }
    } catch (fault) {
      if (!(fault instanceof Unavailable)) throw fault;
      leave();
      return "unavailable";
    }
    this.#opened(client, keys, leave);
    return "in";
  }

  /** A session that was let in without the store, or before a limit counted it. */
  open(client: string): void {
    const identity = clientNamed(client);
    const where = { addressSubject: "192.0.2.1" };
    const keys = keysOf("main", identity, where);
    this.#opened(client, keys, this.occupancy.enter("main", identity, where));
    this.ledger.mark(keys);
  }

  endAll(): void {
    for (const session of this.sessions) session.end();
  }

  /** No goodbye. */
  kill(): void {
    this.link.kill();
    void this.ledger.close();
    this.sessions.clear();
  }

  async close(): Promise<void> {
    await this.ledger.close();
    this.link.kill();
  }

  #opened(client: string, keys: readonly string[], leave: () => void): void {
    const session = {
      client,
      end: (): void => {
        if (!this.sessions.delete(session)) return;
        leave();
        this.ledger.give(keys);
      },
    };
    this.sessions.add(session);
  }
}

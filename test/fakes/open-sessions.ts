import type { CompiledRoute } from "../../dataplane/config/snapshot.ts";
import type { Gateway } from "../../dataplane/gateway.ts";
import { Metrics } from "../../dataplane/metrics.ts";
import type { Termination } from "../../dataplane/rejection.ts";
import type { ServedProxy } from "../../dataplane/served-proxy.ts";
import { Session } from "../../dataplane/session/session.ts";
import { emptyPlan } from "../../dataplane/tunnel/plan.ts";
import { systemClock } from "../../runtime/clock.ts";
import { clientNamed } from "./policy-bench.ts";

/** What tells an open session from the others. */
export interface SessionParts {
  readonly client?: string;
  readonly route?: string;
  readonly address?: string;
  readonly proxy?: string;
}

/** Sessions without sockets, as the admin port sees them: there can be very many. */
export class OpenSessions {
  /** What was told to which session, in order. */
  readonly told: [Session, Termination][] = [];
  /** What was written into the logs of the proxies. */
  readonly audited: Readonly<Record<string, unknown>>[] = [];
  /** Called before each of them is told. */
  tells: () => void = () => {};
  /** Resolves when all of them have their Close frames. */
  allTold: Promise<void> = Promise.resolve();
  readonly #proxies = new Map<string, Set<Session>>();
  readonly #metrics = new Metrics();

  open({ client, route = "main", address = "192.0.2.1", proxy = "test/proxy" }: SessionParts = {}): Session {
    const facts = {
      ...{ requestId: "request-1", identity: clientNamed(client), address, addressSubject: address },
      ...{ protocol: undefined, endpoint: "192.0.2.9:80" },
    };
    const metrics = this.#metrics.route(proxy, route);
    const compiled = { name: route, chain: [], metrics, plan: emptyPlan } as unknown as CompiledRoute;
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const session = new Session(facts, compiled, systemClock, log);
    const close = (termination: Termination): void => {
      this.tells();
      this.told.push([session, termination]);
    };
    session.opened({ apply() {}, close, destroy() {}, trace() {}, paused: false, buffered: 0 });
    const sessions = this.#proxies.get(proxy) ?? new Set();
    this.#proxies.set(proxy, sessions.add(session));
    return session;
  }

  get gateway(): Gateway {
    const proxies = [...this.#proxies].map(([name, sessions]): Partial<ServedProxy> => {
      const audit: ServedProxy["audit"] = (event, fields) => this.audited.push({ proxy: name, event, ...fields });
      return { name, sessions, audit, told: () => this.allTold };
    });
    return { proxies } as unknown as Gateway;
  }
}

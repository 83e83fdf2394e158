import type { Clock } from "../../runtime/clock.ts";
import { pause } from "../../runtime/loop/pause.ts";
import type { Attempt } from "../handshake/attempt.ts";
import { closeSpread, type Spreading } from "./drain.ts";
import type { Session } from "./session.ts";

/** What a proxy has open, and what its end needs. */
export interface ProxyEndOptions {
  readonly attempts: ReadonlySet<Attempt>;
  readonly sessions: ReadonlySet<Session>;
  /** Has the config in force the route of this session? */
  readonly hasRoute: (session: Session) => boolean;
  /** Of the config in force, in ms. */
  readonly drainPeriod: () => number;
  readonly clock: Clock;
  readonly random: () => number;
  /** How many sessions a drain has left to end. */
  readonly draining: (sessions: number) => void;
}

/** Sessions of removed routes are closed within this time, in ms. */
const REMOVAL_PERIOD = 5000;

/** Ends what a proxy has open: all of it, or the sessions of a route that is gone. */
export class ProxyEnd {
  readonly #of: ProxyEndOptions;
  readonly #stop = new AbortController();
  #begun = false;

  constructor(of: ProxyEndOptions) {
    this.#of = of;
  }

  /** The proxy stops: a handshake that would be answered now is refused. */
  get begun(): boolean {
    return this.#begun;
  }

  /** Closes sessions whose route is gone, with 1001; those whose route is back when their turn comes stay. */
  routeRemoved(sessions: readonly Session[]): void {
    const stays = this.#of.hasRoute;
    if (sessions.length > 0) void this.#closeRemoved(sessions, this.#of.drainPeriod(), { stays });
  }

  /** The process stops: the sessions are closed over the drain period. Resolves when none is left. */
  async drain(abort: AbortSignal): Promise<void> {
    this.#begun = true;
    const { sessions, drainPeriod, clock, random, draining } = this.#of;
    const progress = (): void => draining(sessions.size);
    progress();
    await closeSpread([...sessions], { reason: "Draining" }, drainPeriod(), { clock, random, abort, progress });
    // A dial or an issuer may take longer than Kubernetes waits for a pod that stops.
    this.#refuseAttempts();
    await this.#emptied(abort);
    progress();
  }

  /** The proxy was removed: its sessions end as those of a removed route do. Resolves when none is left. */
  async retire(): Promise<void> {
    this.#begun = true;
    this.#refuseAttempts();
    await this.#closeRemoved([...this.#of.sessions], REMOVAL_PERIOD);
    await this.#emptied(this.#stop.signal);
  }

  /** Ends everything at once. */
  destroy(): void {
    this.#begun = true;
    this.#stop.abort();
    for (const attempt of [...this.#of.attempts]) attempt.abort();
    for (const session of [...this.#of.sessions]) session.destroy();
  }

  #refuseAttempts(): void {
    for (const attempt of [...this.#of.attempts]) attempt.drain();
  }

  #closeRemoved(sessions: readonly Session[], longest: number, more: Pick<Spreading, "stays"> = {}): Promise<void> {
    const { clock, random } = this.#of;
    const period = Math.min(REMOVAL_PERIOD, longest, sessions.length * 10);
    const spreading = { clock, random, abort: this.#stop.signal, ...more };
    return closeSpread(sessions, { reason: "RouteRemoved" }, period, spreading);
  }

  async #emptied(abort: AbortSignal): Promise<void> {
    const { attempts, sessions, clock } = this.#of;
    while ((sessions.size > 0 || attempts.size > 0) && !abort.aborted) await pause(20, clock, abort);
  }
}

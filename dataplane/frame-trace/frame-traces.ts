import type { AdminSink } from "../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { FrameQuery } from "./frame-query.ts";
import { FrameTrace } from "./frame-trace.ts";
import { SessionTaps } from "./session-taps.ts";
import type { TracedSession } from "./traced-session.ts";

/** A proxy in service, as a trace of frames sees it. */
export interface TracedProxy {
  /** `<namespace>/<name>` */
  readonly name: string;
  readonly sessions: Iterable<TracedSession>;
  readonly showsPayload: boolean;
}

/** The traces of frames that run in a process, and the sessions that they see. */
export class FrameTraces {
  readonly #clock: Clock;
  readonly #taps = new SessionTaps();
  /** By trace: how it is ended. */
  readonly #ends = new Map<FrameTrace, (why?: string) => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Begins a trace over the proxies that its query means. The returned function ends it, and may say why; it ends by
   * itself in its time.
   */
  start(query: FrameQuery, proxies: readonly TracedProxy[], sink: AdminSink): (why?: string) => void {
    const shown = new Set(proxies.filter((one) => one.showsPayload).map(({ name }) => name));
    const trace = new FrameTrace(query, shown, sink, this.#clock);
    const timer = this.#clock.after(query.seconds * 1000, () => end());
    const end = (why?: string): void => {
      if (!this.#ends.delete(trace)) return;
      timer.cancel();
      for (const session of trace.sessions) this.#leave(trace, session);
      trace.end(why);
    };
    this.#ends.set(trace, end);
    const names = proxies.map(({ name }) => name).slice(0, MOST_NAMED);
    trace.write("watching", { at: trace.now(), proxies: names, payload: shown.size === proxies.length });
    for (const { name, sessions } of proxies) {
      for (const session of sessions) this.#offer(trace, name, session);
    }
    return end;
  }

  /** A session opens; no frame of it has been read yet. */
  opening(proxy: string, session: TracedSession): void {
    for (const trace of this.#ends.keys()) this.#offer(trace, proxy, session);
  }

  /** Both sockets of a session are closed. A trace of this session alone is over. */
  closed(session: TracedSession): void {
    for (const [trace, end] of this.#ends) {
      if (this.#leave(trace, session) && trace.query.session !== undefined) end();
    }
  }

  /** The proxy's config does not allow payload, or is gone: traces that show payload of it end. */
  hidePayload(proxy: string): void {
    for (const [trace, end] of this.#ends) {
      if (trace.payload > 0 && trace.shown.has(proxy)) end(`${proxy}: dataplane.debug.payload is no longer Allowed`);
    }
  }

  #offer(trace: FrameTrace, proxy: string, session: TracedSession): void {
    if (this.#ends.has(trace) && trace.wants(proxy, session)) this.#taps.add(session, trace.begin(session));
  }

  #leave(trace: FrameTrace, session: TracedSession): boolean {
    const tap = trace.leave(session);
    if (tap !== undefined) this.#taps.remove(session, tap);
    return tap !== undefined;
  }
}

/** Proxies that the first event names. */
const MOST_NAMED = 64;

import { DEBUG, type DebugEvent, type DebugEventName } from "../../api/debug.ts";
import type { AdminSink } from "../../runtime/admin-port/admin-endpoint.ts";
import { eventText } from "../../runtime/admin-port/event-text.ts";
import type { Clock, Timer } from "../../runtime/clock.ts";
import type { SessionTap } from "../tunnel/frame-tap.ts";
import { DirectionTap, type FrameOutput, type FrameSeen } from "./direction-tap.ts";
import { FrameBudget } from "./frame-budget.ts";
import type { FrameQuery } from "./frame-query.ts";
import { SeenFrames } from "./seen-frames.ts";
import type { TracedSession } from "./traced-session.ts";

/** Both directions of one session in one trace. */
interface Taps extends SessionTap {
  readonly fromClient: DirectionTap;
  readonly fromBackend: DirectionTap;
}

/** Sessions of one trace. A trace of more would leave out most frames anyway. */
const MOST_SESSIONS = 1_000;

/** One trace of frames: its sessions, its stream, its time. */
export class FrameTrace implements FrameOutput {
  readonly query: FrameQuery;
  /** Proxies that may show payload; of others it has no session, if it shows any. */
  readonly shown: ReadonlySet<string>;
  readonly #sink: AdminSink;
  readonly #clock: Clock;
  readonly #budget: FrameBudget;
  readonly #seen: SeenFrames;
  readonly #taps = new Map<TracedSession, Taps>();
  #timer: Timer;
  #wrote: number;
  #saidFull = false;

  constructor(query: FrameQuery, shown: ReadonlySet<string>, sink: AdminSink, clock: Clock) {
    this.query = query;
    this.shown = shown;
    this.#sink = sink;
    this.#clock = clock;
    this.#seen = new SeenFrames(clock, (text) => this.#send(text));
    const leftOut = (frames: number): void => this.write("leftOut", { at: this.now(), frames });
    this.#budget = new FrameBudget(DEBUG.frames.perSecond, clock, leftOut);
    this.#wrote = clock.now();
    this.#timer = this.#arm(DEBUG.heartbeat);
  }

  get payload(): number {
    return this.query.payload;
  }

  takes(): boolean {
    return this.#budget.takes();
  }

  time(): number {
    return this.#clock.wall();
  }

  /** RFC 3339. */
  now(): string {
    return new Date(this.time()).toISOString();
  }

  frame(frame: FrameSeen): void {
    this.#seen.add(frame);
  }

  write<N extends DebugEventName>(name: N, event: DebugEvent<N>): void {
    this.#seen.flush();
    this.#send(eventText(name, event));
  }

  #send(text: string): void {
    this.#wrote = this.#clock.now();
    this.#sink.write(text);
  }

  /** Is the trace about this session, and has it room for it? */
  wants(proxy: string, session: TracedSession): boolean {
    if (!this.query.passes(proxy, session) || (this.payload > 0 && !this.shown.has(proxy))) return false;
    if (this.#taps.size < MOST_SESSIONS) return true;
    if (!this.#saidFull) this.#sink.write(`: ${MOST_SESSIONS} sessions are in this trace; others are left out\n\n`);
    this.#saidFull = true;
    return false;
  }

  /** A session of the trace; returns what sees its frames. */
  begin(session: TracedSession): SessionTap {
    const taps = {
      fromClient: new DirectionTap(session.id, "fromClient", this),
      fromBackend: new DirectionTap(session.id, "fromBackend", this),
    };
    this.#taps.set(session, taps);
    return taps;
  }

  /** The session is over, or the trace; returns what saw its frames, if it is one of the trace. */
  leave(session: TracedSession): SessionTap | undefined {
    const taps = this.#taps.get(session);
    this.#taps.delete(session);
    taps?.fromClient.ended();
    taps?.fromBackend.ended();
    return taps;
  }

  get sessions(): readonly TracedSession[] {
    return [...this.#taps.keys()];
  }

  /** Ends the stream; `why` is for a person that reads it as it is. */
  end(why?: string): void {
    this.#timer.cancel();
    this.#seen.flush();
    this.#budget.stop();
    if (why !== undefined) this.#sink.write(`: ${why}\n\n`);
    this.#sink.end();
  }

  #arm(ms: number): Timer {
    return this.#clock.after(ms, () => {
      const quiet = this.#clock.now() - this.#wrote;
      if (quiet >= DEBUG.heartbeat) {
        this.#wrote = this.#clock.now();
        this.#sink.write(":\n\n");
      }
      this.#timer = this.#arm(this.#wrote + DEBUG.heartbeat - this.#clock.now());
    });
  }
}

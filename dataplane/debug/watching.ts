import { LONGEST_SHOWN } from "../../api/admin-pages.ts";
import type { DebugEvent } from "../../api/debug.ts";
import { eventText } from "../../runtime/admin-port/event-text.ts";
import type { Clock } from "../../runtime/clock.ts";
import { bounded, type Fields } from "../../runtime/log.ts";
import type { AccessEvent, AccessWatch } from "../access-log.ts";
import type { EventFilter } from "./event-filter.ts";
import { eventOf, type NamedEvent } from "./event-of.ts";
import { KeptRefusals } from "./kept-refusals.ts";
import { GAVE_WAY, Places, type StreamLoss } from "./places.ts";
import { Trace } from "./trace.ts";
import { Watcher, type EventSink } from "./watcher.ts";

/** What happens to a session that has no line in the log; `client` as it is. */
export type TimelineFacts = Omit<DebugEvent<"timeline">, "at">;

/**
 * What watches the handshakes and sessions of the process: streams, and the refusals that are kept in any case. While
 * nothing watches, the rest of the data plane pays for one look at `watched`.
 */
export class Watching implements AccessWatch {
  /** A stream of events is open. */
  watched = false;
  readonly #clock: Clock;
  readonly #watchers = new Set<Watcher>();
  readonly #refusals = new KeptRefusals();
  readonly #places: Places;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#places = new Places(clock);
  }

  /** Streams that are open, those of frames among them. */
  get places(): number {
    return this.#places.taken;
  }

  /** Readers that have no stream any more, or got none, by reason. */
  get lost(): Readonly<Record<StreamLoss, number>> {
    return this.#places.lost;
  }

  /** Counts a reader that has no stream for a reason that only its endpoint knows. */
  lose(reason: StreamLoss): void {
    this.#places.lost[reason] += 1;
  }

  /** There is no place for a further stream. */
  get full(): boolean {
    return this.#places.full;
  }

  /** Takes the place of one stream, as `Places` says. */
  place(giveWay: () => void): (() => void) | undefined {
    return this.#places.take(giveWay);
  }

  /**
   * Begins a stream with `first` and the kept refusals; the returned function ends it. undefined: there is no place for
   * it, and nothing was written.
   */
  watch(filter: EventFilter, first: NamedEvent, sink: EventSink): (() => void) | undefined {
    const leave = this.place(() => {
      end();
      sink.write(`: ${GAVE_WAY}\n\n`);
      sink.end();
    });
    if (leave === undefined) return undefined;
    const watcher = new Watcher(filter, sink, this.#clock);
    const end = (): void => {
      watcher.stop();
      leave();
      this.#watchers.delete(watcher);
      this.watched = this.#watchers.size > 0;
    };
    watcher.write(eventText(first.name, first.event));
    for (const event of this.#refusals) {
      const past = { ...event, past: true };
      if (filter.passes("handshake", past)) watcher.write(eventText("handshake", past));
    }
    this.#watchers.add(watcher);
    this.watched = true;
    return end;
  }

  /** The trace of a handshake that begins now; undefined: nothing watches. */
  trace(): Trace | undefined {
    return this.watched ? new Trace(this.#clock) : undefined;
  }

  wants(event: AccessEvent): boolean {
    return this.watched || event === "HandshakeRefused";
  }

  tell(event: AccessEvent, line: Fields, beside: unknown): void {
    const at = this.#clock.wall();
    if (event === "HandshakeRefused") this.#refusals.keep(eventOf(event, line, at).event);
    if (this.watched) this.#publish(eventOf(event, line, at, beside instanceof Trace ? beside : undefined));
  }

  /** Something in the life of a session. */
  timeline({ client, ...facts }: TimelineFacts): void {
    if (!this.watched) return;
    const at = new Date(this.#clock.wall()).toISOString();
    const shown = client === undefined ? {} : { client: bounded(client, LONGEST_SHOWN) };
    this.#publish({ name: "timeline", event: { at, ...facts, ...shown } });
  }

  #publish(named: NamedEvent): void {
    let text: string | undefined;
    for (const watcher of this.#watchers) {
      if (!watcher.filter.passes(named.name, named.event)) continue;
      text ??= eventText(named.name, named.event);
      watcher.write(text);
    }
  }
}

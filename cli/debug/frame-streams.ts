import { DEBUG } from "../../api/debug.ts";
import {
  textAnswer,
  type AdminAnswer,
  type AdminClient,
  type AdminSink,
  type AdminStream,
} from "../../runtime/admin-port/admin-endpoint.ts";
import { follow, type FollowTimes, type PlaceEvent } from "../live/follow.ts";
import { failureIn, LiveFailure } from "../live/live-failure.ts";
import type { Target } from "../live/target.ts";
import { watchOne } from "../live/watch-one.ts";
import { UNREAD } from "./event-feeds.ts";
import { passedOn, troubleLine } from "./event-line.ts";
import { queryOf } from "./query.ts";
import { answered } from "./told-failure.ts";

/** Traces of frames at the same time: each takes one of the five places of its pods. */
const MOST_TRACES = 4;
/** Lines that come before the page's stream is open. */
const MOST_EARLY = 1000;

const PARAMETERS = ["session", "client", "proxy", "seconds", "payload"] as const;

/** `/debug/frames` over all pods: of a session from its pod, of a client from each. */
export class FrameStreams {
  readonly #target: Target;
  readonly #signal: AbortSignal;
  readonly #times: FollowTimes | undefined;
  #traces = 0;

  constructor(target: Target, signal: AbortSignal, times?: FollowTimes) {
    this.#target = target;
    this.#signal = signal;
    this.#times = times;
  }

  readonly answer = (parameters: URLSearchParams, { gone }: AdminClient): Promise<AdminAnswer | AdminStream> =>
    answered(async () => {
      const query = queryOf(parameters, PARAMETERS);
      if (typeof query === "string") return textAnswer(400, query);
      if (this.#traces >= MOST_TRACES) return textAnswer(503, `${MOST_TRACES} traces of frames run already; stop one`);
      this.#traces += 1;
      const relay = new Relay();
      const over = new AbortController();
      const signal = AbortSignal.any([gone, this.#signal, over.signal]);
      const { promise: begun, resolve, reject } = Promise.withResolvers<void>();
      void this.#watched(query, relay, resolve, signal)
        .catch((error: unknown) => {
          if (!signal.aborted) reject(failureIn(error));
        })
        .finally(() => {
          reject(new LiveFailure("Unreachable", "the trace was ended"));
          this.#traces -= 1;
          relay.end();
        });
      await begun;
      return {
        contentType: "text/event-stream; charset=utf-8",
        unread: UNREAD,
        open: (sink) => {
          const heartbeat = setInterval(() => relay.write(":\n\n"), DEBUG.heartbeat);
          relay.open(sink);
          return () => {
            clearInterval(heartbeat);
            over.abort();
          };
        },
      };
    });

  /** Resolves when the trace is over; rejects with LiveFailure where it cannot begin. */
  async #watched(
    query: Readonly<Record<string, string>>,
    relay: Relay,
    opened: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const question = { path: "/debug/frames", query };
    const event = (one: PlaceEvent): void => relay.write(passedOn(one, this.#target) ?? "");
    const trouble = (failure: LiveFailure): void => relay.write(troubleLine(failure));
    if (query["session"] !== undefined) {
      return watchOne(this.#target, question, { opened, event, trouble }, signal);
    }
    // The pods end their streams in this time, and would be asked again. They have checked it once a stream is open.
    const over = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const watching = (places: readonly unknown[]): void => {
      if (places.length === 0) return;
      opened();
      const seconds = Math.min(DEBUG.frames.seconds, Number(query["seconds"] ?? USUAL_SECONDS));
      timer ??= setTimeout(() => over.abort(), 1000 * seconds);
    };
    try {
      const both = AbortSignal.any([signal, over.signal]);
      await follow(this.#target, question, { event, trouble, watching }, both, this.#times);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Seconds of a trace that does not say how long it is, as in a pod. */
const USUAL_SECONDS = 60;

/** Passes lines on to a stream that may open later. */
class Relay {
  #early: string[] = [];
  #sink: AdminSink | undefined;
  #ended = false;

  write(text: string): void {
    if (text === "") return;
    if (this.#sink !== undefined) this.#sink.write(text);
    else if (this.#early.length < MOST_EARLY) this.#early.push(text);
  }

  open(sink: AdminSink): void {
    this.#sink = sink;
    for (const text of this.#early) sink.write(text);
    this.#early = [];
    if (this.#ended) sink.end();
  }

  end(): void {
    this.#ended = true;
    this.#sink?.end();
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { DEBUG } from "../../api/debug.ts";
import { printableJson } from "../connect/terminal-text.ts";
import type { CommandIO } from "../line/command.ts";
import { EXIT } from "../line/exit-codes.ts";
import type { Question } from "../live/ask.ts";
import { follow, type Follower, type PlaceEvent } from "../live/follow.ts";
import { openTarget } from "../live/open-target.ts";
import { runLive } from "../live/run-live.ts";
import type { TypedTarget } from "../live/target-options.ts";
import type { Target } from "../live/target.ts";
import { watchOne } from "../live/watch-one.ts";
import { EventText } from "./event-text.ts";
import { TraceOutput } from "./trace-output.ts";

/** Which handshakes and sessions are watched; all of what is named has to hold. */
export interface EventWish {
  readonly client: string | undefined;
  readonly route: string | undefined;
  readonly address: string | undefined;
  readonly outcome: "refused" | undefined;
}

/** Whose frames are watched; exactly one of the two is named. */
export interface FrameWish {
  readonly client: string | undefined;
  readonly session: string | undefined;
  /** Bytes of each payload. */
  readonly payload: number;
}

export interface TraceOptions {
  readonly wish: EventWish | FrameWish;
  /** In ms; undefined: until a signal comes. */
  readonly time: number | undefined;
  readonly json: boolean;
}

/** Prints what happens to handshakes and sessions of a gateway, or to frames, as it comes. Resolves with the exit code. */
export function traceGateway(typed: TypedTarget, options: TraceOptions, io: CommandIO): Promise<number> {
  const note = (words: string): void => void io.err.write(`wsproxy trace: ${words}\n`);
  return runLive("trace", io, async (stop) => {
    const output = new TraceOutput(io.out, note);
    const over = new AbortController();
    const signal = AbortSignal.any([stop, output.gone, over.signal]);
    const target = await openTarget(typed, stop);
    try {
      await traced(target, options, { output, note, signal, over });
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      over.abort();
      output.close();
      target.close();
    }
    return EXIT.ok;
  });
}

interface Ends {
  readonly output: TraceOutput;
  readonly note: (words: string) => void;
  readonly signal: AbortSignal;
  /** Ends the trace. */
  readonly over: AbortController;
}

async function traced(target: Target, options: TraceOptions, { output, note, signal, over }: Ends): Promise<void> {
  const { wish, time, json } = options;
  const text = new EventText(!target.single, Date.now);
  const shown = ({ place, name, data }: PlaceEvent): string =>
    json ? `${printableJson({ ...data, event: name, pod: place.name })}\n` : text.of({ pod: place.name, name, data });
  // The time runs from the first stream on.
  let begun = false;
  const opened = (): void => {
    if (begun) return;
    begun = true;
    if (!json) note(`watching ${target.title}${time === undefined ? "; Ctrl-C ends it" : ""}`);
    if (time !== undefined)
      void sleep(time, undefined, { signal }).then(
        () => over.abort(),
        () => {},
      );
  };
  const told: Follower & { opened(): void; trouble(failure: Error): void } = {
    opened,
    event: (event) => output.write(shown(event)),
    watching: (places) => places.length > 0 && opened(),
    trouble: ({ message }) => note(message),
  };
  const question = questionOf(wish, time);
  if ("session" in wish && wish.session !== undefined) {
    await watchOne(target, question, told, signal);
    if (!signal.aborted) note("the trace is over: its time is, or the session has ended");
  } else await follow(target, question, told, signal);
}

/** A stream of frames ends in its time at the latest; it is opened again until the trace ends. */
function questionOf(wish: EventWish | FrameWish, time: number | undefined): Question {
  if (!("payload" in wish)) return { path: "/debug/events", query: { ...wish } };
  const { client, session, payload } = wish;
  const longest = DEBUG.frames.seconds;
  const seconds = time === undefined ? longest : Math.min(longest, Math.ceil(time / 1000) + 1);
  return { path: "/debug/frames", query: { client, session, seconds, payload: payload === 0 ? undefined : payload } };
}

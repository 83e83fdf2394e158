import type { Clock, Timer } from "../../runtime/clock.ts";
import { eventText } from "../../runtime/admin-port/event-text.ts";
import type { FrameSeen } from "./direction-tap.ts";

/** How long a frame waits at most until it is told of, in ms. */
const LONGEST_WAIT = 100;
/** Frames that wait at most. */
const MOST_WAITING = 128;

/**
 * Frames of a trace until they are told of, some together: to write each by itself, between two messages, would cost the
 * process as much as the message.
 */
export class SeenFrames {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  #frames: FrameSeen[] = [];
  #timer: Timer | undefined;

  constructor(clock: Clock, write: (text: string) => void) {
    this.#clock = clock;
    this.#write = write;
  }

  add(frame: FrameSeen): void {
    this.#frames.push(frame);
    if (this.#frames.length >= MOST_WAITING) this.flush();
    else this.#timer ??= this.#clock.after(LONGEST_WAIT, () => this.flush());
  }

  /** Tells of all that wait. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const frames = this.#frames;
    if (frames.length === 0) return;
    this.#frames = [];
    let text = "";
    let [last, at] = [Number.NaN, ""];
    for (const frame of frames) {
      if (frame.at !== last) at = new Date(frame.at).toISOString();
      last = frame.at;
      text += eventText("frame", { ...frame, at });
    }
    this.#write(text);
  }
}

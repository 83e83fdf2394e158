import type { DebugEvent } from "../../api/debug.ts";
import { oneLine } from "../connect/terminal-text.ts";
import { amountOfBytes } from "../sessions/figures.ts";
import { counted } from "../sessions/session-table.ts";
import { line, safe } from "./trace-text.ts";

const ARROWS: Readonly<Record<string, string>> = { fromClient: "↑", fromBackend: "↓" };
const WORDS: Readonly<Record<number, string>> = {
  0: "continuation",
  1: "text",
  2: "binary",
  8: "close",
  9: "ping",
  10: "pong",
};

/** Frames as lines for people. */
export class FrameText {
  readonly #begin: (pod: string, at: string) => readonly string[];
  /** The session of the last line: it is named where it changes. */
  #session = "";

  /** `begin`: how a line begins. */
  constructor(begin: (pod: string, at: string) => readonly string[]) {
    this.#begin = begin;
  }

  frame(pod: string, event: DebugEvent<"frame">): string {
    const { session, direction, opcode, fin, compressed, size, verdict, reason } = event;
    const changed = session === this.#session ? "" : line(...this.#begin(pod, event.at), `session ${safe(session)}`);
    this.#session = session;
    const marks = [fin ? "" : "more follows", compressed === true ? "compressed" : ""].filter((mark) => mark !== "");
    return (
      changed +
      line(
        ...this.#begin(pod, event.at),
        Object.hasOwn(ARROWS, direction) ? ARROWS[direction] : safe(direction),
        `${WORDS[opcode] ?? `opcode ${opcode}`}${marks.length === 0 ? "" : ` (${marks.join(", ")})`}`,
        fin ? "fin" : "",
        amountOfBytes(size),
        reason === undefined ? safe(verdict) : `${safe(verdict)} ${safe(reason)}`,
        payloadOf(event),
      )
    );
  }

  leftOut(pod: string, { at, frames }: DebugEvent<"leftOut">): string {
    const what = `${counted(frames, "frame")} left out: there are more in a second than a trace tells`;
    return line(...this.#begin(pod, at), what);
  }
}

/** As much as was asked for: text in quotes, other bytes in hexadecimal. */
function payloadOf({ payload, binary }: DebugEvent<"frame">): string | undefined {
  if (payload === undefined) return undefined;
  return binary === true ? Buffer.from(payload, "base64").toString("hex") : `"${oneLine(payload)}"`;
}

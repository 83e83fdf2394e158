import type { Readable } from "node:stream";
import { StringDecoder } from "node:string_decoder";

/** One event of a stream: its name and its data, as text. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Characters of one event, its name included; a longer one is passed over. A frame with its payload takes 50,000. */
export const LONGEST_EVENT = 262_144;

/**
 * Takes a stream of Server-Sent Events apart (WHATWG HTML §9.2): names, data and comments; `id` and `retry` are passed over.
 * What it retains of an event is bounded.
 */
export class EventLines {
  readonly #decoder = new StringDecoder("utf8");
  readonly #event: (event: StreamEvent) => void;
  readonly #tooLong: () => void;
  #line = "";
  #name = "";
  #data: string[] = [];
  #size = 0;
  /** The event has more characters than LONGEST_EVENT; its rest is not retained. */
  #cut = false;
  /** The last chunk ended with CR: a LF that follows belongs to it. */
  #afterReturn = false;
  #begun = false;

  /** `tooLong` is called for each event that is passed over. */
  constructor(event: (event: StreamEvent) => void, tooLong: () => void) {
    this.#event = event;
    this.#tooLong = tooLong;
  }

  take(chunk: Buffer): void {
    let text = this.#decoder.write(chunk);
    if (text === "") return;
    if (!this.#begun) text = text.replace(/^\ufeff/, "");
    this.#begun = true;
    if (this.#afterReturn && text.startsWith("\n")) text = text.slice(1);
    this.#afterReturn = text.endsWith("\r");
    let from = 0;
    for (const { index, 0: end } of text.matchAll(/\r\n|\n|\r/g)) {
      this.#add(text.slice(from, index));
      this.#endLine();
      from = index + end.length;
    }
    this.#add(text.slice(from));
  }

  #add(piece: string): void {
    this.#size += piece.length;
    if (this.#size > LONGEST_EVENT) {
      this.#cut = true;
      this.#data = [];
      // Whether the line is empty must still be known.
      this.#line = this.#line === "" && piece === "" ? "" : ":";
    } else this.#line += piece;
  }

  #endLine(): void {
    const line = this.#line;
    this.#line = "";
    if (line === "") return this.#endEvent();
    if (line.startsWith(":")) return;
    const colon = line.indexOf(":");
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") this.#name = value;
    else if (field === "data") this.#data.push(value);
  }

  #endEvent(): void {
    const [name, data, cut] = [this.#name, this.#data, this.#cut];
    this.#name = "";
    this.#data = [];
    this.#size = 0;
    this.#cut = false;
    if (cut) this.#tooLong();
    else if (data.length > 0) this.#event({ name: name === "" ? "message" : name, data: data.join("\n") });
  }
}

/** How a stream ended. */
export type StreamEnd = "Ended" | "Silent" | "Aborted";

/**
 * Hands over the events of a body until it ends, nothing comes for `silence` ms, or `signal` aborts. A reader that is slow is
 * slow for the sender too.
 */
export function readEvents(
  body: Readable,
  lines: EventLines,
  silence: number,
  signal: AbortSignal,
): Promise<StreamEnd> {
  return new Promise((resolve) => {
    const end = (how: StreamEnd): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      body.destroy();
      resolve(how);
    };
    const abort = (): void => end("Aborted");
    const timer = setTimeout(() => end("Silent"), silence);
    signal.addEventListener("abort", abort, { once: true });
    body.on("data", (chunk: Buffer) => {
      timer.refresh();
      lines.take(chunk);
    });
    for (const event of ["end", "error", "close"]) body.once(event, () => end("Ended"));
    if (signal.aborted) abort();
  });
}

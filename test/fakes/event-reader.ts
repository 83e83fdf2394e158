import { DEBUG_EVENTS, type DebugEventName } from "../../api/debug.ts";
import { debugEvents } from "../../dataplane/admin/debug-events.ts";
import type { Gateway } from "../../dataplane/gateway.ts";
import type { AdminSink, AdminStream } from "../../runtime/admin-port/admin-endpoint.ts";
import { systemClock, type Clock } from "../../runtime/clock.ts";
import { until } from "./sockets.ts";

export interface ReadEvent {
  readonly name: DebugEventName;
  readonly event: Readonly<Record<string, unknown>>;
}

/** A client of `/debug/events` that reads all that comes: each event is one of the contract, with no field that this has not. */
export class EventReader implements AdminSink {
  readonly events: ReadEvent[] = [];
  /** All that came. */
  text = "";
  beats = 0;
  ended = false;
  /** Ends the stream. */
  leave: () => void = () => {};

  /** One event, or some together. */
  write(text: string): void {
    this.text += text;
    if (!text.endsWith("\n\n")) throw new Error(`no whole event: ${JSON.stringify(text.slice(-100))}`);
    for (const block of text.split("\n\n").slice(0, -1)) this.#read(`${block}\n\n`);
  }

  #read(text: string): void {
    if (text.startsWith(":")) {
      if (!/^:[^\n]*\n\n$/.test(text)) throw new Error(`no comment: ${JSON.stringify(text)}`);
      this.beats += 1;
      return;
    }
    const [, name = "", data = ""] = /^event: ([a-zA-Z]+)\ndata: ([^\r\n]+)\n\n$/.exec(text) ?? [];
    if (!(name in DEBUG_EVENTS)) throw new Error(`no event: ${JSON.stringify(text)}`);
    const event = DEBUG_EVENTS[name as DebugEventName].strict().parse(JSON.parse(data));
    this.events.push({ name: name as DebugEventName, event });
  }

  end(): void {
    this.ended = true;
  }

  /** Events of this name, in order. */
  of(name: DebugEventName): ReadEvent["event"][] {
    return this.events.filter((it) => it.name === name).map(({ event }) => event);
  }

  /** The n-th event of this name (from 1), once it is here. */
  async next(name: DebugEventName, n = 1): Promise<ReadEvent["event"]> {
    await until(`event ${n} with the name ${name} came`, () => this.of(name).length >= n);
    return this.of(name)[n - 1] ?? {};
  }
}

/** A client that reads nothing: the admin server cuts it where more than `unread` bytes wait for it. */
export class StalledReader implements AdminSink {
  readonly #unread: number;
  /** Bytes that wait. */
  waiting = 0;
  cut = false;
  leave: () => void = () => {};

  constructor(unread: number) {
    this.#unread = unread;
  }

  write(text: string): void {
    if (this.cut) return;
    this.waiting += Buffer.byteLength(text);
    if (this.waiting <= this.#unread) return;
    this.cut = true;
    this.leave();
  }

  end(): void {}
}

/** What `/debug/events` answers with: a stream, or the status and the sentence of a refusal. */
export function asked(gateway: Gateway, query = "", clock: Clock = systemClock): AdminStream | string {
  const answer = debugEvents(gateway, clock, new URLSearchParams(query));
  return "open" in answer ? answer : `${answer.status} ${Buffer.from(answer.body).toString("utf8").trim()}`;
}

/** Opens the stream, as the admin server does. */
export function reading(gateway: Gateway, query = "", clock: Clock = systemClock): EventReader {
  const stream = asked(gateway, query, clock);
  if (typeof stream === "string") throw new Error(stream);
  const reader = new EventReader();
  reader.leave = stream.open(reader);
  return reader;
}

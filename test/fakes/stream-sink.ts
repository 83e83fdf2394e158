import type { AdminAnswer, AdminSink, AdminStream } from "../../runtime/admin-port/admin-endpoint.ts";

export interface StreamEvent {
  readonly name: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** A client of a stream of the admin port, without the port: it reads everything at once. */
export class StreamSink implements AdminSink {
  text = "";
  ended = false;
  #left: (() => void) | undefined;

  /** Opens the stream as the admin port does; fails where the answer is none. */
  static of(answer: AdminAnswer | AdminStream): StreamSink {
    if (!("open" in answer)) throw new Error(`no stream: ${answer.status} ${String(answer.body)}`);
    const sink = new StreamSink();
    sink.#left = answer.open(sink);
    if (sink.ended) sink.leave();
    return sink;
  }

  write(text: string): void {
    if (!this.ended) this.text += text;
  }

  end(): void {
    this.ended = true;
    this.leave();
  }

  /** The client goes. */
  leave(): void {
    const left = this.#left;
    this.#left = undefined;
    left?.();
  }

  get events(): StreamEvent[] {
    return [...this.text.matchAll(/^event: (\w+)\ndata: (.*)\n\n/gm)].map(([, name = "", json = ""]) => ({
      name,
      event: JSON.parse(json) as StreamEvent["event"],
    }));
  }

  /** Events of one name. */
  named(name: string): StreamEvent["event"][] {
    return this.events.filter((one) => one.name === name).map(({ event }) => event);
  }
}

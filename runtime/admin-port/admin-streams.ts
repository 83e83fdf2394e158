import type { IncomingMessage, ServerResponse } from "node:http";
import type { Asked } from "./admin-connections.ts";
import type { AdminStream } from "./admin-endpoint.ts";
import { boundTime, writeAnswerHead } from "./answer-head.ts";
import type { Clock } from "../clock.ts";
import { GatheredTexts } from "./gathered-texts.ts";

/** The streams of an admin port that are open. */
export class AdminStreams {
  readonly #clock: Clock;
  /** How each of them is ended in order. */
  readonly #ends = new Set<() => void>();
  #ended = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Sends the head, and then what the endpoint writes, at once and without a bound in time, unless `permitted` aborts. */
  send(
    request: IncomingMessage,
    response: ServerResponse,
    stream: AdminStream,
    asked: Asked,
    permitted?: AbortSignal,
  ): void {
    writeAnswerHead(request, response, 200, { "content-type": stream.contentType });
    if (request.method === "HEAD") {
      asked.made();
      boundTime(request, response, this.#clock);
      response.end();
      return;
    }
    asked.streams();
    response.flushHeaders();

    let over = false;
    let left: (() => void) | undefined;
    const finish = (): void => {
      if (over) return;
      over = true;
      texts.drop();
      this.#ends.delete(end);
      permitted?.removeEventListener("abort", end);
      asked.made(); // its connection is one of many again, and may go on with another request
      left?.();
    };
    const texts = new GatheredTexts(this.#clock, (text) => {
      response.write(text);
      if (response.writableLength <= stream.unread) return;
      stream.slow?.();
      cut();
    });
    const end = (): void => {
      if (over) return;
      texts.flush(); // which may cut it
      if (over) return;
      finish();
      boundTime(request, response, this.#clock);
      response.end();
    };
    const cut = (): void => {
      finish();
      request.socket.resetAndDestroy(); // after a mere close the kernel would keep what it has, and go on sending it
    };
    const write = (text: string): void => {
      if (!over) texts.add(text);
    };
    this.#ends.add(end);
    asked.gone.addEventListener("abort", finish, { once: true });
    permitted?.addEventListener("abort", end, { once: true });
    try {
      left = stream.open({ write, end });
    } catch {
      return cut();
    }
    if (over) left();
    else if (this.#ended || permitted?.aborted === true) end();
  }

  /** Ends all streams in order, and from now on each one right after its beginning. */
  end(): void {
    this.#ended = true;
    for (const end of [...this.#ends]) end();
  }
}

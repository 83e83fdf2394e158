import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Connections that may be open at the same time, besides those that wait for a long answer or have a stream. */
const MAX_CONNECTIONS = 256;
/** Unanswered requests of one connection. Probes, scrapers and browsers wait for each answer before the next request. */
const MAX_UNANSWERED = 8;

/** A request that is not answered yet. */
interface UnderWay {
  /** It waits for a long answer, which is not made yet; or its answer is a stream, which is not over yet. */
  waits: boolean;
  readonly gone: AbortController;
}

/** What a request's answer needs of its connection. */
export interface Asked {
  /** Aborts when the request is answered, or its connection has closed. */
  readonly gone: AbortSignal;
  /** To be called when the answer turns out to be a stream: until `made` its connection makes no room for others. */
  readonly streams: () => void;
  /** To be called when the answer is made: from now on it only waits for the client. */
  readonly made: () => void;
}

/** The connections of an admin port, which it bounds, and their requests that are not answered yet. */
export class AdminConnections {
  readonly #underWay = new Map<Socket, Set<UnderWay>>();
  /**
   * Least recently used first, without those that wait for a long answer or have a stream. When there is no room the oldest is closed:
   * refusing a new one could hit a probe.
   */
  readonly #idle = new Set<Socket>();
  #requests = 0;
  #allAnswered: (() => void) | undefined;

  opened(socket: Socket): void {
    this.#underWay.set(socket, new Set());
    socket.once("close", () => this.#closed(socket));
    this.#used(socket);
  }

  /** A request has come on a connection. Undefined: the connection is closed now, and the request gets no answer. */
  asked(socket: Socket, response: ServerResponse, waits: boolean): Asked | undefined {
    const underWay = this.#underWay.get(socket);
    // HTTP pipelining: each request waits for the one before it, and one packet can hold thousands.
    if (underWay !== undefined && underWay.size >= MAX_UNANSWERED) socket.destroy();
    if (underWay === undefined || socket.destroyed) return undefined;
    const request = { waits, gone: new AbortController() };
    underWay.add(request);
    this.#requests += 1;
    response.once("close", () => this.#over(socket, request));
    this.#used(socket);
    return {
      gone: request.gone.signal,
      streams: () => this.#streams(socket, request),
      made: () => this.#made(socket, request),
    };
  }

  /** Resolves when every request under way is answered, or after `longest` ms. */
  async answered(longest: number): Promise<void> {
    if (this.#requests === 0) return;
    await new Promise<void>((done) => {
      const overdue = setTimeout(done, longest);
      this.#allAnswered = () => {
        clearTimeout(overdue);
        done();
      };
    });
  }

  #used(socket: Socket): void {
    this.#idle.delete(socket);
    const underWay = this.#underWay.get(socket);
    if (socket.destroyed || underWay === undefined || [...underWay].some(({ waits }) => waits)) return;
    this.#idle.add(socket);
    const [oldest] = this.#idle;
    if (this.#idle.size > MAX_CONNECTIONS) oldest?.destroy();
  }

  #streams(socket: Socket, request: UnderWay): void {
    request.waits = true;
    this.#used(socket);
  }

  /** Sending it takes as long as the client likes, above all behind another answer. */
  #made(socket: Socket, request: UnderWay): void {
    if (!request.waits) return;
    request.waits = false;
    this.#used(socket);
  }

  #over(socket: Socket, request: UnderWay): void {
    if (this.#underWay.get(socket)?.delete(request) === true) this.#ended(request);
  }

  /** Not only its responses tell: one that waits behind another has no socket yet, and hears nothing. */
  #closed(socket: Socket): void {
    this.#idle.delete(socket);
    const underWay = this.#underWay.get(socket) ?? [];
    this.#underWay.delete(socket);
    for (const request of underWay) this.#ended(request);
  }

  #ended({ gone }: UnderWay): void {
    this.#requests -= 1;
    gone.abort();
    if (this.#requests === 0) this.#allAnswered?.();
  }
}

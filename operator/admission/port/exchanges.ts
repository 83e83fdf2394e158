import type { IncomingMessage, ServerResponse } from "node:http";
import { jsonAnswer, textAnswer, type AdminAnswer } from "../../../runtime/admin-port/admin-endpoint.ts";
import type { Clock } from "../../../runtime/clock.ts";
import { faultText } from "../../../runtime/faults.ts";
import type { Log } from "../../../runtime/log.ts";
import { LoopShare } from "../../../runtime/loop/loop-share.ts";
import { SparseLog } from "../../../runtime/sparse-log.ts";
import type { AdmissionResponse } from "../response.ts";
import { AddressLines } from "./address-lines.ts";
import { BodyRoom, LARGEST_BODY, type BodyReading } from "./body-room.ts";
import type { Connection, Connections } from "./connections.ts";
import { faultOfHead } from "./request-faults.ts";
import { parseReview } from "./review-json.ts";

/** How a call ended. invalid: the caller's fault; failed: ours. */
export const RESULTS = ["injected", "unchanged", "refused", "invalid", "failed"] as const;
export type Result = (typeof RESULTS)[number];

/** What answers the calls, and what hears of it. */
export interface ExchangeOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** Does the operator know all proxies? Until then it cannot decide. */
  readonly ready: () => boolean;
  /** The response to an AdmissionReview; undefined: it is none that can be answered. Throws for a fault of ours only. */
  readonly answer: (review: unknown) => AdmissionResponse | undefined;
  readonly answered: (result: Result, seconds: number) => void;
}

/** How long a body may take, in ms, with the wait for its turn: the API server waits for 5 s, and no longer. */
const BODY_TIMEOUT = 4000;
/** How long a large body may take from its turn on, in ms: others wait for it. */
const LARGE_TIMEOUT = 2000;
/** How long a caller may take to read an answer, in ms. */
const ANSWER_TIMEOUT = 5000;

/** One call: its request, and the answer that it gets. */
interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly connection: Connection;
  readonly began: number;
}

/** Answers the calls of the webhook, one of each connection at a time, a few in each turn of the event loop. */
export class Exchanges {
  readonly #options: ExchangeOptions;
  readonly #connections: Connections;
  readonly #room = new BodyRoom();
  readonly #turns: LoopShare;
  /** Calls that wait for their answer: an address that sends dear ones waits for itself. */
  readonly #toAnswer = new AddressLines<() => void>();
  readonly #unanswered = new WeakSet<Connection>();
  readonly #faults: SparseLog<"calls">;
  #lastFault: unknown;
  /** Each answer is the last one of its connection: callers that come again find another replica. */
  closing = false;

  constructor(options: ExchangeOptions, connections: Connections) {
    this.#options = options;
    this.#connections = connections;
    this.#turns = new LoopShare(options.clock);
    this.#faults = new SparseLog(options.clock, ({ calls = 0 }) =>
      options.log.error({ calls, fault: faultText(this.#lastFault) }, "fault in the webhook; the calls got 500"),
    );
  }

  /** Calls that are read and wait for their answer. */
  get waiting(): number {
    return this.#toAnswer.size;
  }

  handle(request: IncomingMessage, response: ServerResponse, connection: Connection): void {
    // No API server sends a request before it has the answer to the one before it.
    if (this.#unanswered.has(connection)) return this.#connections.close(connection, "Pipelined");
    if (connection.stage === "Gone") return;
    this.#unanswered.add(connection);
    request.on("error", () => {}); // the caller left: the connection's close says it
    response.on("error", () => {});
    const exchange = { request, response, connection, began: this.#options.clock.now() };
    const fault =
      faultOfHead(request) ??
      (this.#options.ready() ? undefined : textAnswer(503, "the operator has not read all WebSocketProxies yet"));
    if (fault !== undefined) this.#send(exchange, fault, fault.status === 503 ? "failed" : "invalid");
    else this.#read(exchange);
  }

  #read(exchange: Exchange): void {
    const { request, response, connection } = exchange;
    const late = (): void => {
      reading.release();
      this.#send(exchange, textAnswer(408, "the body did not come in time"), "invalid");
    };
    this.#connections.busy(connection, BODY_TIMEOUT, late);
    let read = false;
    let turnAt: number | undefined;
    const turn = (): void => {
      turnAt = this.#options.clock.now();
      this.#connections.busy(connection, LARGE_TIMEOUT, late);
    };
    const done = (body: Buffer | "TooLarge"): void => {
      this.#connections.busy(connection, ANSWER_TIMEOUT);
      if (body === "TooLarge") {
        this.#send(exchange, textAnswer(413, `the body is larger than ${LARGEST_BODY} bytes`), "invalid");
        return;
      }
      read = true;
      this.#inTurn(exchange, reading, () => {
        this.#answer(exchange, body);
        // The room of a large body rests for as long as the body took: a crowd of them leaves half of the time to others.
        const now = this.#options.clock.now();
        this.#options.clock.after(now - (turnAt ?? now), () => reading.release());
      });
    };
    const reading = this.#room.read(request, connection.address, { turn, done });
    response.once("close", () => {
      if (!read) reading.release();
    });
  }

  /** Calls `answer` in a later turn of the event loop; each turn goes to the address that waits next. */
  #inTurn({ response, connection: { address } }: Exchange, reading: BodyReading, answer: () => void): void {
    this.#toAnswer.add(address, answer);
    this.#turns.next(() => this.#toAnswer.next()?.());
    // The newest of an address is answered first: callers that gave up would stay for as long as others come.
    response.once("close", () => {
      if (this.#toAnswer.delete(address, answer)) reading.release();
    });
  }

  #answer(exchange: Exchange, body: Buffer): void {
    try {
      const parsed = parseReview(body);
      if ("fault" in parsed) return this.#send(exchange, textAnswer(400, parsed.fault), "invalid");
      const response = this.#options.answer(parsed.review);
      if (response === undefined) {
        const words = "the body is no AdmissionReview of admission.k8s.io/v1";
        return this.#send(exchange, textAnswer(400, words), "invalid");
      }
      const review = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response };
      this.#send(exchange, jsonAnswer(review), resultOf(response));
    } catch (fault) {
      this.#lastFault = fault;
      this.#faults.count("calls");
      this.#send(exchange, textAnswer(500, "internal fault; the operator's log says more"), "failed");
    }
  }

  #send({ request, response, connection, began }: Exchange, answer: AdminAnswer, result: Result): void {
    const { status, contentType, body, headers } = answer;
    if (response.headersSent || connection.stage === "Gone") return;
    this.#options.answered(result, (this.#options.clock.now() - began) / 1000);
    this.#connections.busy(connection, ANSWER_TIMEOUT);
    response.once("finish", () => {
      if (!this.#unanswered.has(connection)) this.#connections.idle(connection);
    });
    // What is left of a body must not be taken for the next request.
    const last = this.closing || !request.complete;
    response.writeHead(status, {
      "content-type": contentType,
      "content-length": Buffer.byteLength(body),
      ...(last ? { connection: "close" } : {}),
      ...headers,
    });
    response.end(body);
    this.#unanswered.delete(connection);
  }
}

function resultOf({ allowed, patch }: AdmissionResponse): Result {
  if (!allowed) return "refused";
  return patch === undefined ? "unchanged" : "injected";
}

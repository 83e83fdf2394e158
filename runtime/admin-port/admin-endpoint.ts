/** The answer of an admin endpoint to one request. */
export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Bytes are sent without a copy, so that many answers can share them. */
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * An answer that goes on until the client leaves or the endpoint ends it. The server never waits for a client: one that has
 * more than `unread` bytes to read is cut.
 */
export interface AdminStream {
  readonly contentType: string;
  /** Bytes that may wait for the client. */
  readonly unread: number;
  /**
   * Called once, when the head has been sent, and never for HEAD; the returned function is called once, when the stream is
   * over, whichever end ended it. A fault of the call ends the connection.
   */
  readonly open: (sink: AdminSink) => () => void;
  /** Called when the client is cut because too much waits for it. */
  readonly slow?: () => void;
}

/** Where an endpoint writes its stream. */
export interface AdminSink {
  /** Nothing is written any more once the stream is over. */
  write(text: string): void;
  /** Ends the stream in order. */
  end(): void;
}

/** The client of a request. */
export interface AdminClient {
  readonly address: string;
  /** Aborts once the request is answered, or its connection has closed. */
  readonly gone: AbortSignal;
}

/** One path of the admin port. */
export interface AdminEndpoint {
  /** Open: every request gets an answer. Closed: only a request that passes the gate (`admin-gate.ts`). */
  readonly access: "Open" | "Closed";
  /** POST: a request changes something. Absent: GET and HEAD. */
  readonly method?: "POST";
  /**
   * An answer may take as long as a drain: until then its connection makes no room for others. A stream needs no such word.
   * The endpoint itself bounds how many wait, and how many streams it has.
   */
  readonly waits?: true;
  /** `segment`: what stands in the path's place of `{…}`, decoded; absent: the path has none. */
  readonly answer: (query: URLSearchParams, client: AdminClient, segment?: string) => Answered | Promise<Answered>;
}

type Answered = AdminAnswer | AdminStream;

/** Path → its endpoint. One segment of a path may be `{…}`: it stands for any text. */
export type AdminEndpoints = Readonly<Record<string, AdminEndpoint>>;

/** An endpoint for probes and scrapers: it names no client and holds no secret. */
export function openEndpoint(answer: AdminEndpoint["answer"]): AdminEndpoint {
  return { access: "Open", answer };
}

/** An endpoint for requests that bring the admin token. */
export function closedEndpoint(answer: AdminEndpoint["answer"]): AdminEndpoint {
  return { access: "Closed", answer };
}

export function isStream(answer: AdminAnswer | AdminStream): answer is AdminStream {
  return "open" in answer;
}

/** A value as JSON on one line. */
export function jsonAnswer(body: unknown, status = 200): AdminAnswer {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}

/** A sentence for people, as plain text. */
export function textAnswer(status: number, sentence: string, headers: AdminAnswer["headers"] = {}): AdminAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${sentence}\n`, headers };
}

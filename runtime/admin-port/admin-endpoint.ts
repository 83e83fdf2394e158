/** What an admin endpoint says to one request. */
export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  /** Bytes are sent as they are, so that many answers may share them. */
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One path of the admin port. */
export interface AdminEndpoint {
  /** Open: any request that reaches the port gets an answer. Closed: only one that passes the gate (`admin-gate.ts`). */
  readonly access: "Open" | "Closed";
  readonly answer: (query: URLSearchParams) => AdminAnswer | Promise<AdminAnswer>;
}

/** Path → what is there. */
export type AdminEndpoints = Readonly<Record<string, AdminEndpoint>>;

/** An endpoint for probes and scrapers: it names no client and holds no secret. */
export function openEndpoint(answer: AdminEndpoint["answer"]): AdminEndpoint {
  return { access: "Open", answer };
}

/** An endpoint for the holder of the admin token. */
export function closedEndpoint(answer: AdminEndpoint["answer"]): AdminEndpoint {
  return { access: "Closed", answer };
}

/** A value as JSON, on one line. */
export function jsonAnswer(body: unknown, status = 200): AdminAnswer {
  return { status, contentType: "application/json; charset=utf-8", body: `${JSON.stringify(body)}\n` };
}

/** A sentence for people. */
export function textAnswer(status: number, sentence: string, headers: AdminAnswer["headers"] = {}): AdminAnswer {
  return { status, contentType: "text/plain; charset=utf-8", body: `${sentence}\n`, headers };
}

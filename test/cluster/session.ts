import { TLSSocket } from "node:tls";
import { WebSocket } from "ws";
import type { Dial, Ending, Entry } from "./entry.ts";

/** How long a handshake, an echo or a Close may take before it counts as lost, in ms. */
const PATIENCE = 15_000;

/** A real client's session; all that happens to it goes into its entry. */
export class Session {
  readonly entry: Entry;
  readonly socket: WebSocket;
  #talk: NodeJS.Timeout | undefined;

  constructor(entry: Entry, { as: _, greetings: __, protocols = [], ...options }: Dial) {
    this.entry = entry;
    this.socket = new WebSocket(entry.url, [...protocols], { handshakeTimeout: PATIENCE, ...options });
    this.socket.on("error", ({ message }) => (entry.error ??= message)); // a `close` follows
    this.socket.on("upgrade", ({ headers, socket }) => {
      entry.opened = Date.now();
      entry.backend = headers["x-sample-backend"]?.toString();
      if (socket instanceof TLSSocket) entry.certificate = socket.getPeerX509Certificate()?.fingerprint256;
    });
    this.socket.on("unexpected-response", (request, response) => {
      let body = "";
      response.on("data", (chunk: Buffer) => (body += chunk.toString()));
      response.on("close", () => {
        const retryAfter = response.headers["retry-after"];
        entry.refused = {
          at: Date.now(),
          status: response.statusCode ?? 0,
          reason: reasonIn(body),
          ...(retryAfter === undefined ? {} : { retryAfter: Number(retryAfter) }),
        };
        request.destroy();
        this.socket.emit("refused");
      });
    });
    this.socket.on("message", (data: Buffer) => entry.received.push({ at: Date.now(), text: data.toString() }));
    this.socket.on("close", (code, reason) => {
      this.silence();
      if (entry.refused === undefined) entry.closed = { at: Date.now(), code, text: reason.toString() };
    });
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  /** Resolves when it is open; rejects with the refusal. */
  async opened(): Promise<this> {
    await this.#until(() => this.isOpen || this.entry.refused !== undefined || this.entry.closed !== undefined);
    if (this.isOpen) return this;
    const { refused, closed, error } = this.entry;
    throw new Error(
      refused === undefined
        ? `no answer: ${error ?? closed?.code ?? "too late"}`
        : `refused: ${refused.status} ${refused.reason}`,
    );
  }

  /** Resolves with the refusal, as `401 CredentialMissing`; rejects where it is let in. */
  async refused(): Promise<string> {
    const reason = await this.opened().then(
      () => undefined,
      (error: Error) => error.message,
    );
    if (reason?.startsWith("refused: ") !== true) throw new Error(reason ?? "it was let in");
    return reason.slice("refused: ".length);
  }

  send(text: string): void {
    this.entry.sent.push({ at: Date.now(), text });
    this.socket.send(text);
  }

  /** Sends, and waits until as many messages came back as were sent. */
  async echo(text: string): Promise<void> {
    this.send(text);
    const length = this.entry.greetings + this.entry.sent.length;
    if (!(await this.#until(() => this.entry.received.length >= length || !this.isOpen)))
      throw new Error(`session ${this.entry.id}: no echo of "${text}"`);
    if (this.entry.received.length < length)
      throw new Error(`session ${this.entry.id}: closed before the echo of "${text}"`);
  }

  /** The n-th message, from 1. */
  async message(n = 1): Promise<string> {
    await this.#until(() => this.entry.received.length >= n || !this.isOpen);
    const line = this.entry.received[n - 1];
    if (line === undefined) throw new Error(`session ${this.entry.id}: no message ${n}`);
    return line.text;
  }

  /** Waits until everything that was sent has come back. */
  async caughtUp(): Promise<void> {
    const { id, greetings, sent, received } = this.entry;
    const length = greetings + sent.length;
    await this.#until(() => received.length >= length || !this.isOpen);
    if (received.length < length) throw new Error(`session ${id}: ${received.length} of ${length} messages came back`);
  }

  /** Pings the backend and waits for its answer, which comes behind all that it sent before. */
  async answered(): Promise<void> {
    let answered = false;
    this.socket.once("pong", () => (answered = true));
    this.socket.ping();
    await this.#until(() => answered || !this.isOpen);
    if (!answered) throw new Error(`session ${this.entry.id}: no answer to a ping`);
  }

  /** Sends a numbered message now and then, until it ends or is silenced. */
  talk(every: number): this {
    this.#talk ??= setInterval(() => {
      if (this.isOpen) this.send(`${this.entry.id}:${this.entry.sent.length + 1}`);
    }, every);
    return this;
  }

  silence(): void {
    clearInterval(this.#talk);
    this.#talk = undefined;
  }

  /** How it ended. */
  async ended(ms = PATIENCE): Promise<Ending> {
    await this.#until(() => this.entry.closed !== undefined, ms);
    if (this.entry.closed === undefined) throw new Error(`session ${this.entry.id} has not ended after ${ms} ms`);
    return this.entry.closed;
  }

  async close(): Promise<Ending> {
    this.silence();
    this.socket.close(1000);
    return this.ended().catch(() => {
      this.socket.terminate();
      return this.ended();
    });
  }

  /** Whether it held in time: looks at every event, so that times in the ledger are those of the events. */
  #until(holds: () => boolean, ms = PATIENCE): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const events = ["open", "message", "pong", "close", "refused"];
      const look = (): void => {
        if (holds()) done(true);
      };
      const timer = setTimeout(() => done(false), ms);
      const done = (held: boolean): void => {
        clearTimeout(timer);
        for (const event of events) this.socket.off(event, look);
        resolve(held);
      };
      for (const event of events) this.socket.on(event, look);
    });
  }
}

function reasonIn(body: string): string {
  try {
    return String((JSON.parse(body) as { reason?: unknown }).reason);
  } catch {
    return body.slice(0, 100);
  }
}

import { connect, type Socket } from "node:net";
import { request } from "./clients.ts";

/** One clock for all processes of a machine, in ns. */
export const now = (): bigint => process.hrtime.bigint();

export const milliseconds = (from: bigint, to: bigint): number => Number(to - from) / 1e6;

export interface VisitParts {
  readonly port: number;
  readonly client: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly target?: string;
}

/**
 * A handshake and the session that may come of it, with the moments at which the client saw them. The session is open
 * at least from `answered` to `ended`: the gateway counts it before its 101, and hears of its end later.
 */
export class Visit {
  readonly client: string;
  readonly socket: Socket;
  readonly asked = now();
  answered: bigint | undefined;
  ended: bigint | undefined;
  /** Of the answer; undefined: closed without one. */
  status: number | undefined;
  /** Of a refusal. */
  reason: string | undefined;
  /** Something came behind the 101: from a backend that sends nothing, it is the gateway's Close frame. */
  told = false;
  /** The client ended it. */
  left = false;
  /** Bytes of the answer and what followed it. */
  #text = "";
  #done: () => void = () => {};
  readonly #settled: Promise<void>;

  constructor({ port, client, headers = {}, target = "/" }: VisitParts) {
    this.client = client;
    this.#settled = new Promise((resolve) => (this.#done = resolve));
    this.socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.socket.on("error", () => {});
    this.socket.on("connect", () => this.socket.write(request({ target, headers })));
    this.socket.on("data", (chunk: Buffer) => this.#got(chunk));
    this.socket.on("end", () => this.#over());
    this.socket.on("close", () => this.#over());
  }

  /** The visit, once the handshake has its answer or was cut. */
  static async of(parts: VisitParts): Promise<Visit> {
    const visit = new Visit(parts);
    await visit.#settled;
    return visit;
  }

  get open(): boolean {
    return this.status === 101 && this.ended === undefined;
  }

  /** How long the handshake took, in ms. */
  get took(): number {
    return milliseconds(this.asked, this.answered ?? this.ended ?? now());
  }

  /** The client vanishes. Its end is stamped before the gateway can know of it. */
  leave(): void {
    this.left = true;
    this.#over();
    this.socket.destroy();
  }

  #got(chunk: Buffer): void {
    if (this.status === 101) {
      this.told = true;
      return;
    }
    this.#text += chunk.toString("latin1");
    if (this.status === undefined && this.#text.includes("\r\n\r\n")) {
      this.answered = now();
      this.status = Number(this.#text.slice(9, 12));
      if (this.status === 101) this.#done();
    }
  }

  #over(): void {
    if (this.status !== 101) this.reason = /"reason":"(\w+)"/.exec(this.#text)?.[1];
    this.ended ??= now();
    this.#done();
  }
}

import type { Socket } from "node:net";

/** Who gets the bytes of a socket. */
export interface ByteSink {
  /** The bytes are the callee's only until it returns, unless it says so by copying them or by a pending write. */
  bytes(chunk: Buffer): void;
  /** The peer sends no more: FIN, reset or error. Called once. */
  ended(): void;
}

/** The one place that knows how a socket is read. */
export class ByteSource {
  readonly #socket: Socket;
  #paused = false;

  constructor(socket: Socket, sink: ByteSink) {
    this.#socket = socket;
    let ended = false;
    const end = (): void => {
      if (ended) return;
      ended = true;
      sink.ended();
    };
    socket.on("data", (chunk: Buffer) => sink.bytes(chunk));
    socket.once("end", end);
    socket.once("close", end);
    socket.pause();
  }

  /** Reads no further. A chunk that is on its way may still come. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** Reads, from the start or on. */
  resume(): void {
    this.#paused = false;
    this.#socket.resume();
  }
}

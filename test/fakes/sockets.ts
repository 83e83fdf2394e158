import { createServer, connect, type AddressInfo, type Socket } from "node:net";
import { once } from "node:events";
import { holdsClose } from "./frames.ts";

/** Polls until a state holds; rejects with its name after `ms` milliseconds. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const end = Date.now() + ms;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** One end of a TCP connection, with everything that it received. */
export class Peer {
  readonly socket: Socket;
  #received: Buffer[] = [];
  ended = false;
  closed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (chunk: Buffer) => this.#received.push(chunk));
    socket.on("end", () => (this.ended = true));
    socket.on("close", () => (this.closed = true));
    socket.on("error", () => {});
  }

  get received(): Buffer {
    if (this.#received.length > 1) this.#received = [Buffer.concat(this.#received)];
    return this.#received[0] ?? Buffer.alloc(0);
  }

  /** The frames that it received: behind the head of a handshake. */
  get payload(): Buffer {
    return this.received;
  }

  /** It knows of the session's end: a Close frame has come, or the end of its socket. */
  get told(): boolean {
    return this.ended || this.closed || holdsClose(this.payload);
  }

  send(...bytes: Buffer[]): void {
    this.socket.write(Buffer.concat(bytes));
  }
}

/**
 * Both ends of a loopback connection: the test's, and the product's, which is paused and half-open like an upgraded
 * socket.
 */
export async function socketPair(): Promise<{ peer: Peer; socket: Socket }> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const far = connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1", allowHalfOpen: true });
  const [[near]] = (await Promise.all([once(server, "connection"), once(far, "connect")])) as [[Socket], unknown];
  server.close();
  far.setNoDelay(true);
  near.setNoDelay(true);
  return { peer: new Peer(far), socket: near };
}

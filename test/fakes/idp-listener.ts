import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";

/** A TCP listener on loopback that answers each request head with scripted bytes. */
export class RawListener {
  /** Request heads, unchanged. */
  readonly heads: string[] = [];
  readonly sockets = new Set<Socket>();
  readonly #server: Server;

  constructor(answer: (socket: Socket) => void) {
    this.#server = createServer((socket) => {
      this.sockets.add(socket);
      socket.on("close", () => this.sockets.delete(socket));
      socket.on("error", () => {});
      socket.once("data", (head: Buffer) => {
        this.heads.push(head.toString("latin1"));
        answer(socket);
      });
    });
  }

  async open(host = "127.0.0.1"): Promise<this> {
    this.#server.listen(0, host);
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("not listening");
    return address.port;
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}

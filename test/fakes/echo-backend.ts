import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { acceptFor } from "./backends.ts";
import { binary } from "./frames.ts";

/** A backend that answers each message of a fixed size with a message of the same size and uses as little CPU as possible. */
export class EchoBackend {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Payload bytes of a message; the clients must send messages of this size. */
  size = 0;

  /** `extensions`: value of Sec-WebSocket-Extensions in its 101. */
  constructor(extensions = "") {
    const more = extensions === "" ? "" : `Sec-WebSocket-Extensions: ${extensions}\r\n`;
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket);
      socket.on("close", () => this.#sockets.delete(socket));
      socket.on("error", () => socket.destroy());
      let head = "";
      const upgrade = (chunk: Buffer): void => {
        head += chunk.toString("latin1");
        if (!head.includes("\r\n\r\n")) return;
        socket.off("data", upgrade);
        const key = /sec-websocket-key: (.*)\r\n/i.exec(head)?.[1] ?? "";
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${acceptFor(key)}\r\n${more}\r\n`,
        );
        this.#echo(socket);
      };
      socket.on("data", upgrade);
    });
  }

  async open(): Promise<this> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return this;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  #echo(socket: Socket): void {
    const answer = binary(Buffer.alloc(this.size, 1));
    const asked = binary(Buffer.alloc(this.size, 1), true).length;
    let pending = 0;
    socket.on("data", (chunk: Buffer) => {
      pending += chunk.length;
      const whole = Math.floor(pending / asked);
      pending -= whole * asked;
      if (whole > 0) socket.write(whole === 1 ? answer : Buffer.concat(Array.from({ length: whole }, () => answer)));
    });
  }
}

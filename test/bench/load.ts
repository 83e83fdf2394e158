import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { acceptFor } from "../fakes/backends.ts";
import { request } from "../fakes/clients.ts";
import { binary } from "../fakes/frames.ts";
import type { Peer } from "../fakes/sockets.ts";

/** Answers each message of a fixed size with one of the same size, for as little CPU as that takes. */
export class EchoBackend {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Payload bytes of a message. */
  size = 0;

  /** `extensions`: what its 101 agrees to. */
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

export interface Load {
  readonly sessions: number;
  /** Payload bytes. */
  readonly size: number;
  /** Messages under way in each session. */
  readonly inFlight: number;
  /** With one in flight: ms until the next, on average. Absent: at once. */
  readonly pace?: number;
  /** Of the handshake, beside its own. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Round trips over sessions that stay open: `run` them for a while, and count. */
export class Driver {
  readonly #sockets: Socket[] = [];
  readonly #load: Load;
  #round = 0;
  #running = false;
  #idle = 0;
  #done: (() => void) | undefined;
  /** Duration of every round trip of the last run with one in flight, in ms. */
  latencies: number[] = [];

  private constructor(load: Load) {
    this.#load = load;
  }

  static async open(port: number, load: Load): Promise<Driver> {
    const driver = new Driver(load);
    for (let at = 0; at < load.sessions; at += 50) {
      const batch = Array.from({ length: Math.min(50, load.sessions - at) }, () => driver.#connect(port));
      await Promise.all(batch);
    }
    return driver;
  }

  /** Round trips in about `ms`. */
  async run(ms: number): Promise<number> {
    this.#round = 0;
    this.latencies = [];
    this.#idle = 0;
    this.#running = true;
    const finished = new Promise<void>((resolve) => (this.#done = resolve));
    for (const socket of this.#sockets) socket.emit("go");
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#running = false;
    await finished;
    return this.#round;
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async #connect(port: number): Promise<void> {
    const { size, inFlight, pace = 0, headers = {} } = this.#load;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => socket.destroy());
    await once(socket, "connect");
    socket.write(request({ headers }));
    const [head] = (await once(socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(head.toString("latin1"));
    this.#sockets.push(socket);
    const message = binary(Buffer.alloc(size, 1), true);
    const first = Buffer.concat(Array.from({ length: inFlight }, () => message));
    const answer = binary(Buffer.alloc(size, 1)).length;
    let pending = 0;
    let under = 0;
    let sent = 0;
    const ended = (): void => {
      this.#idle += 1;
      if (this.#idle === this.#sockets.length) this.#done?.();
    };
    const next = (): void => {
      if (!this.#running) return ended();
      sent = performance.now();
      socket.write(message);
    };
    socket.on("go", () => {
      under = inFlight;
      if (pace === 0) {
        sent = performance.now();
        socket.write(first);
      } else setTimeout(next, Math.random() * pace);
    });
    socket.on("data", (chunk: Buffer) => {
      pending += chunk.length;
      const whole = Math.floor(pending / answer);
      pending -= whole * answer;
      if (whole === 0) return;
      this.#round += whole;
      if (inFlight === 1) this.latencies.push(performance.now() - sent);
      if (pace > 0) {
        setTimeout(next, Math.random() * 2 * pace);
        return;
      }
      if (this.#running) {
        sent = performance.now();
        socket.write(whole === inFlight ? first : Buffer.concat(Array.from({ length: whole }, () => message)));
        return;
      }
      under -= whole;
      if (under <= 0) ended();
    });
  }
}

/** Sends until `size` bytes are under way or the connection is gone, as fast as the kernel takes them. */
export function pour({ socket }: Peer, chunk: Buffer, size: number): Promise<void> {
  return new Promise((resolve) => {
    let sent = 0;
    const more = (): void => {
      while (sent < size && !socket.destroyed) {
        sent += chunk.length;
        if (!socket.write(chunk)) break;
      }
      if (sent >= size) done();
    };
    const done = (): void => {
      socket.off("drain", more);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", more);
    socket.on("close", done);
    more();
  });
}

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { request } from "../fakes/clients.ts";
import { binary } from "../fakes/frames.ts";
import type { Peer } from "../fakes/sockets.ts";

export interface Load {
  readonly sessions: number;
  /** Payload bytes. */
  readonly size: number;
  /** Messages under way in each session. */
  readonly inFlight: number;
  /** With one message in flight: average pause before the next, in ms. Absent: no pause. */
  readonly pace?: number;
  /** Additional headers of the handshake. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Additional headers of the handshake of one session, by its number. */
  readonly headersOf?: (session: number) => Readonly<Record<string, string>>;
}

/** Sends messages over sessions that stay open and counts the round trips. */
export class Driver {
  readonly #sockets: Socket[] = [];
  readonly #load: Load;
  #round = 0;
  #running = false;
  #idle = 0;
  #done: (() => void) | undefined;
  #failed: ((cause: Error) => void) | undefined;
  /** Duration of every round trip of the last run, in ms; only with one message in flight. */
  latencies: number[] = [];

  private constructor(load: Load) {
    this.#load = load;
  }

  static async open(port: number, load: Load): Promise<Driver> {
    const driver = new Driver(load);
    for (let at = 0; at < load.sessions; at += 50) {
      const batch = Array.from({ length: Math.min(50, load.sessions - at) }, (_, n) => driver.#connect(port, at + n));
      await Promise.all(batch);
    }
    return driver;
  }

  /** Runs for about `ms` milliseconds; resolves with the number of round trips, and rejects where a session ends. */
  async run(ms: number): Promise<number> {
    this.#round = 0;
    this.latencies = [];
    this.#idle = 0;
    this.#running = true;
    const finished = new Promise<void>((resolve, reject) => ([this.#done, this.#failed] = [resolve, reject]));
    finished.catch(() => {}); // it is awaited below
    for (const socket of this.#sockets) socket.emit("go");
    await new Promise((resolve) => setTimeout(resolve, ms));
    this.#running = false;
    await finished;
    return this.#round;
  }

  close(): void {
    this.#failed = undefined;
    for (const socket of this.#sockets) socket.destroy();
  }

  async #connect(port: number, session: number): Promise<void> {
    const { size, inFlight, pace = 0, headers, headersOf } = this.#load;
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.on("error", () => socket.destroy());
    await once(socket, "connect");
    socket.write(request({ headers: { ...headers, ...headersOf?.(session) } }));
    const [head] = (await once(socket, "data")) as [Buffer];
    if (!head.toString("latin1").startsWith("HTTP/1.1 101")) throw new Error(head.toString("latin1"));
    this.#sockets.push(socket);
    let last: Buffer = head;
    socket.on("close", () =>
      this.#failed?.(new Error(`a session has ended meanwhile: ${JSON.stringify(readable(last))}`)),
    );
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
      last = chunk;
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

/** Sends `size` bytes as fast as the kernel takes them; resolves then, or when the connection is gone. */
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

/** The letters at the end of what came last: of a Close frame its reason. */
function readable(chunk: Buffer): string {
  return chunk
    .subarray(-125)
    .toString("latin1")
    .replace(/[^ -~]+/g, " ");
}

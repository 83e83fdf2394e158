import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { dataPath, SharedPath, type ByteSource, type ReadPath } from "./byte-source.ts";

/** For the whole self-test, in ms. */
const PATIENCE = 2000;

/**
 * Chooses how this process reads plain sockets: through the shared buffer, if a self-test on loopback shows that it works
 * with this Node, else through `data` events.
 */
export async function chooseReadPath(clock: Clock, shared: ReadPath = new SharedPath()): Promise<ReadPath> {
  const trial = new Trial(shared);
  const timer = clock.after(PATIENCE, () => trial.giveUp());
  try {
    await trial.bytesAndEnd();
    await trial.reset();
    return shared;
  } catch {
    return dataPath;
  } finally {
    timer.cancel();
    trial.giveUp();
  }
}

class Trial {
  readonly #path: ReadPath;
  readonly #sockets: Socket[] = [];
  #over = false;

  constructor(path: ReadPath) {
    this.#path = path;
  }

  /** Tries bytes from before and after the handle was taken, a pause, an echo, and a FIN that leaves our half open. */
  async bytesAndEnd(): Promise<void> {
    const { far, near } = await this.#pair();
    let answer = "";
    far.on("data", (chunk: Buffer) => (answer += chunk.toString()));
    near.read(0);
    for (const early of ["ear", "ly "]) {
      const length = near.readableLength + early.length;
      far.write(early);
      await this.#until(() => near.readableLength === length);
    }
    const { source, heard } = this.#read(near);
    far.write("late");
    await this.#turns(3);
    if (heard.text !== "") throw new Error("read before it was told to");
    source.resume();
    await this.#until(() => answer === "early late");
    source.pause();
    far.write(" again");
    await this.#turns(3);
    if (heard.text.length !== "early late".length) throw new Error("read while it was paused");
    source.resume();
    far.end();
    await this.#until(() => heard.ends > 0);
    source.socket.end(" end");
    await this.#until(() => answer === "early late again end" && source.socket.closed && far.closed);
    if (heard.ends !== 1) throw new Error("ended twice");
  }

  /** Tries a peer that resets its connection. */
  async reset(): Promise<void> {
    const { far, near } = await this.#pair();
    const { source, heard } = this.#read(near);
    source.resume();
    far.resetAndDestroy();
    await this.#until(() => heard.ends > 0 && source.socket.closed);
  }

  giveUp(): void {
    this.#over = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Reads a socket through the path on trial, and echoes what it reads. */
  #read(near: Socket): { source: ByteSource; heard: { text: string; ends: number } } {
    const source = this.#path.open(near);
    const heard = { text: "", ends: 0 };
    this.#keep(source.socket);
    source.to({
      behind: false,
      waits: false,
      bytes(chunk) {
        heard.text += chunk.toString();
        source.socket.write(Buffer.from(chunk));
      },
      ended: () => void (heard.ends += 1),
    });
    return { source, heard };
  }

  async #pair(): Promise<{ far: Socket; near: Socket }> {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    try {
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      const far = this.#keep(connect({ port: (server.address() as AddressInfo).port, host: "127.0.0.1" }));
      const [near] = (await once(server, "connection")) as [Socket];
      return { far, near: this.#keep(near) };
    } finally {
      server.close();
    }
  }

  #keep(socket: Socket): Socket {
    socket.on("error", () => socket.destroy());
    this.#sockets.push(socket);
    return socket;
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.#over) throw new Error("took too long");
      await this.#turns(1);
    }
  }

  async #turns(count: number): Promise<void> {
    for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
  }
}

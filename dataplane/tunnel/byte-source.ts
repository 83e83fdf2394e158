import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** The consumer of a socket's bytes. */
export interface ByteSink {
  /** True while the destination has unflushed writes: each chunk then needs memory of its own. */
  readonly behind: boolean;
  /** True while earlier writes wait for certain (a TLS socket is always `behind`): the next may wait for long. */
  readonly waits: boolean;
  /** The callee may use the chunk until it returns, and for longer if it is `behind` then. */
  bytes(chunk: Buffer): void;
  /** The peer sends no more: FIN, reset or error. Called once. */
  ended(): void;
}

/** A socket's bytes, read only when the sink is ready for them. */
export interface ByteSource {
  /** The socket to use from now on: the one that was given may have lost its handle. */
  readonly socket: Socket;
  /** Sets the sink. Nothing is read before `resume`. */
  to(sink: ByteSink): void;
  /** Bytes that the socket may read although it is paused. */
  readonly ahead: number;
  /** Stops reading. Over `data` events one more chunk may still come. */
  pause(): void;
  /** Starts to read, or reads on. */
  resume(): void;
}

/** A way to read sockets. */
export interface ReadPath {
  readonly name: "shared" | "data";
  open(socket: Socket): ByteSource;
}

/** Reads every socket through its `data` events: documented by Node, and one allocation for each read. */
export const dataPath: ReadPath = { name: "data", open: (socket) => new EventSource(socket) };

class EventSource implements ByteSource {
  readonly socket: Socket;
  #paused = true;

  constructor(socket: Socket) {
    this.socket = socket;
    // A TLS socket of a server answers a FIN with its own end at once. From here on the tunnel ends it, and sockets that
    // end by the thousand end in turns.
    socket.allowHalfOpen = true;
    socket.pause();
  }

  get ahead(): number {
    return this.socket.readableHighWaterMark;
  }

  to(sink: ByteSink): void {
    this.socket.on("data", (chunk: Buffer) => sink.bytes(chunk));
    tellEnd(this.socket, sink);
    this.socket.pause();
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    this.socket.resume();
  }
}

/** A property of Node's sockets that `@types/node` does not declare. */
interface Handled {
  _handle: object | null;
}

/** Bytes that libuv reads at once. */
const SIZE = 65_536;

/**
 * Reads plain sockets into one buffer that all of them share. Node asks for the buffer before it reads, so it is always
 * the same one. What is to be written is first copied into a second buffer. The kernel nearly always takes a write at
 * once, and that buffer is used again; where the kernel does not, the write keeps the buffer and a new one is made.
 */
export class SharedPath implements ReadPath {
  readonly name = "shared";
  readonly read = Buffer.allocUnsafeSlow(SIZE);
  write = Buffer.allocUnsafeSlow(SIZE);
  /** Node calls it before each read of a socket. */
  readonly target = (): Buffer => this.read;

  open(socket: Socket): ByteSource {
    const plain = !(socket instanceof TLSSocket) && (socket as unknown as Handled)._handle !== null;
    // The old socket object would never hear that its unflushed writes are complete.
    return plain && !socket.destroyed && socket.writableLength === 0
      ? new SharedSource(socket, this)
      : dataPath.open(socket);
  }

  renew(): void {
    this.write = Buffer.allocUnsafeSlow(SIZE);
  }
}

class SharedSource implements ByteSource {
  readonly ahead = 0;
  readonly socket: Socket;
  readonly #path: SharedPath;
  #sink: ByteSink | undefined;
  /** Bytes that the old socket object had read already. */
  #early: Buffer | undefined;
  #paused = true;

  constructor(old: Socket, path: SharedPath) {
    this.#path = path;
    old.pause();
    this.#early = buffered(old);
    const shell = old as unknown as Handled;
    const handle = shell._handle;
    shell._handle = null;
    // Without a handle this closes no connection, but its server counts one less.
    old.destroy();
    const onread = { buffer: path.target, callback: (length: number) => this.#bytes(length) };
    const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread };
    this.socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
    old.emit("moved", old, this.socket); // for the counter of open sockets
  }

  to(sink: ByteSink): void {
    this.#sink = sink;
    tellEnd(this.socket, sink);
  }

  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    this.socket.pause();
  }

  resume(): void {
    this.#paused = false;
    const early = this.#early;
    this.#early = undefined;
    if (early !== undefined) this.#sink?.bytes(early);
    // The sink may have called `pause` meanwhile.
    if (!this.#isPaused()) this.socket.resume();
  }

  #isPaused(): boolean {
    return this.#paused;
  }

  #bytes(length: number): boolean {
    const path = this.#path;
    const sink = this.#sink;
    if (sink === undefined) return true;
    const behind = sink.behind;
    const into = behind ? room(length, sink) : path.write;
    path.read.copy(into, 0, 0, length);
    sink.bytes(behind ? into : into.subarray(0, length));
    if (!behind && sink.behind) path.renew();
    return true;
  }
}

/** Bytes that wait for long get memory of their own: a small slice of Node's buffer pool would keep the whole pool. */
function room(length: number, sink: ByteSink): Buffer {
  return sink.waits ? Buffer.allocUnsafeSlow(length) : Buffer.allocUnsafe(length);
}

/** All that a paused socket has read and not given away: `read` without a size gives one chunk at a time (Node 26). */
function buffered(socket: Socket): Buffer | undefined {
  const chunks: Buffer[] = [];
  while (socket.readableLength > 0) {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) break;
    chunks.push(chunk);
  }
  return chunks.length > 1 ? Buffer.concat(chunks) : chunks[0];
}

function tellEnd(socket: Socket, sink: ByteSink): void {
  let told = false;
  const end = (): void => {
    if (told) return;
    told = true;
    sink.ended();
  };
  socket.on("end", end);
  socket.on("close", end);
}

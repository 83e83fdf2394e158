import { Socket } from "node:net";
import { TLSSocket } from "node:tls";

/** Who gets the bytes of a socket. */
export interface ByteSink {
  /** Bytes that are given now may be looked at after the call: some that were given before have not been taken yet. */
  readonly behind: boolean;
  /** Some that were given before have not been taken yet, and more may wait for long. */
  readonly waits: boolean;
  /** Bytes are the callee's until it returns; longer where it is `behind` then. */
  bytes(chunk: Buffer): void;
  /** The peer sends no more: FIN, reset or error. Called once. */
  ended(): void;
}

/** A socket's bytes, to be read when their sink is ready for them. */
export interface ByteSource {
  /** The socket from now on; the one that was given may be an empty shell. */
  readonly socket: Socket;
  /** Says who gets the bytes. Nothing is read before `resume`. */
  to(sink: ByteSink): void;
  /** Bytes that it may read although it is paused. */
  readonly ahead: number;
  /** Reads no further. Over `data` events a chunk that is on its way may still come. */
  pause(): void;
  /** Reads, from the start or on. */
  resume(): void;
}

/** A way in which sockets are read. */
export interface ReadPath {
  readonly name: "shared" | "data";
  open(socket: Socket): ByteSource;
}

/** Reads every socket through its `data` events: documented, and an allocation for each read. */
export const dataPath: ReadPath = { name: "data", open: (socket) => new EventSource(socket) };

class EventSource implements ByteSource {
  readonly socket: Socket;
  #paused = true;

  constructor(socket: Socket) {
    this.socket = socket;
    // A listener's TLS sockets answer a FIN at once with their own end; from here on the sink says when, and of
    // thousands that end together each in its turn.
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

/** What Node takes and `@types/node` does not tell. */
interface Handled {
  _handle: object | null;
}

/** As much as libuv reads at once. */
const SIZE = 65_536;

/**
 * Reads plain sockets into one buffer that all of them share. A socket's handle is told where to read to before it
 * reads, so the buffer never changes; what is written from it is copied first, into a second one that can change: the
 * kernel takes it at once nearly always, and where it does not, the bytes stay in its memory and others get a new one.
 */
export class SharedPath implements ReadPath {
  readonly name = "shared";
  readonly read = Buffer.allocUnsafeSlow(SIZE);
  write = Buffer.allocUnsafeSlow(SIZE);
  /** Asked by every socket before each read. */
  readonly target = (): Buffer => this.read;

  open(socket: Socket): ByteSource {
    const plain = !(socket instanceof TLSSocket) && (socket as unknown as Handled)._handle !== null;
    // Bytes that wait to be written belong to the old object, which would never hear of their end.
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
  /** What the old object had read already. */
  #early: Buffer | undefined;
  #paused = true;

  constructor(old: Socket, path: SharedPath) {
    this.#path = path;
    old.pause();
    this.#early = buffered(old);
    const shell = old as unknown as Handled;
    const handle = shell._handle;
    shell._handle = null;
    // Without a handle this closes nothing, but its server counts one connection less.
    old.destroy();
    const onread = { buffer: path.target, callback: (length: number) => this.#bytes(length) };
    const options = { handle, allowHalfOpen: true, pauseOnCreate: true, onread };
    this.socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
    old.emit("moved", old, this.socket); // for what counts open sockets
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
    // The sink may have had enough: asked again, since `pause` came in between.
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

/** What waits for long has memory of its own: a few bytes of the pool that Node cuts small buffers from keep all of it. */
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

import type { Socket } from "node:net";

/** Counters of Node's handles that `@types/node` does not declare. */
interface Counting {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
  /** Bytes that this handle was given and the kernel has not taken; of a TLS handle: the ciphertext that waits. */
  readonly writeQueueSize?: number;
  /** Of a TLS handle: the TCP handle below it. */
  readonly _parent?: Counting;
}

function handleOf(socket: Socket): Counting | undefined {
  return (socket as { _handle?: Counting | null })._handle ?? undefined;
}

/** Ciphertext that a TLS socket keeps beside what its `writableLength` counts. */
export function ciphertextOf(socket: Socket): number {
  return handleOf(socket)?.writeQueueSize ?? 0;
}

/**
 * Bytes of a socket that the kernel has taken so far, those of a large write that is under way included; only the
 * difference between two calls means something. Where a Node version no longer shows the handle's counts, a write
 * counts once it is complete.
 */
export function takenOf(socket: Socket): number {
  const handle = handleOf(socket);
  const { bytesWritten, writeQueueSize } = handle?._parent ?? handle ?? {};
  return bytesWritten === undefined || writeQueueSize === undefined
    ? (socket.bytesWritten ?? 0) - socket.writableLength
    : bytesWritten - writeQueueSize;
}

/**
 * Bytes that have been read of a socket so far; of a TLS socket: the ciphertext, so that a part of a record counts. Only the
 * difference between two calls means something.
 */
export function readOf(socket: Socket): number {
  const handle = handleOf(socket);
  return (handle?._parent ?? handle)?.bytesRead ?? socket.bytesRead;
}

/** Holds a receiver to a pace: a quota of bytes, and when it has taken that, the same again. */
export class Pace {
  readonly #socket: Socket;
  #taken = 0;
  #since = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** A quota is due from now on. */
  begin(now: number): void {
    this.#taken = takenOf(this.#socket);
    this.#since = now;
  }

  /** For how many ms the receiver has owed a quota of so many bytes; one that has taken it owes the next from now on. */
  owed(quota: number, now: number): number {
    const taken = takenOf(this.#socket);
    if (taken - this.#taken >= Math.max(1, quota)) {
      this.#taken = taken;
      this.#since = now;
    }
    return now - this.#since;
  }
}

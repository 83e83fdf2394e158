import type { Socket } from "node:net";
import type { Clock, Timer } from "../runtime/clock.ts";

/**
 * Sockets whose request head is not complete. Bounded in time, in all and per peer: the one that has waited longest goes
 * first, so that somebody who opens many and sends nothing does not keep others out.
 */
const MAX_IN_ALL = 4096;
const MAX_PER_PEER = 1024;

interface Entry {
  socket: Socket;
  readonly peer: string;
  readonly timer: Timer;
}

/** Where sockets wait until their request head is complete. */
export class WaitingRoom {
  readonly #entries = new Map<string, Entry>();
  readonly #perPeer = new Map<string, Set<string>>();
  readonly #clock: Clock;
  readonly #timeout: () => number;
  readonly #late: (socket: Socket) => void;

  /** `timeout` in ms is asked for each new socket; `late` gets a socket whose time is over. */
  constructor(clock: Clock, timeout: () => number, late: (socket: Socket) => void) {
    this.#clock = clock;
    this.#timeout = timeout;
    this.#late = late;
  }

  get size(): number {
    return this.#entries.size;
  }

  enter(socket: Socket): void {
    const key = keyOf(socket);
    const peer = socket.remoteAddress ?? "";
    const timer = this.#clock.after(this.#timeout(), () => {
      const entry = this.#entries.get(key);
      this.#remove(key);
      if (entry !== undefined) this.#late(entry.socket);
    });
    const keys = this.#perPeer.get(peer) ?? new Set();
    this.#perPeer.set(peer, keys);
    keys.add(key);
    this.#entries.set(key, { socket, peer, timer });
    socket.once("close", () => this.#remove(key));
    if (keys.size > MAX_PER_PEER) this.#evict(keys);
    if (this.#entries.size > MAX_IN_ALL) this.#evict(this.#entries.keys());
  }

  /** The TLS handshake of a socket in the room is done: this is the one to talk to now. */
  secured(socket: Socket): void {
    const entry = this.#entries.get(keyOf(socket));
    if (entry !== undefined) entry.socket = socket;
  }

  /** The head is complete. */
  leave(socket: Socket): void {
    this.#remove(keyOf(socket));
  }

  #evict(keys: Iterable<string>): void {
    for (const key of keys) {
      const entry = this.#entries.get(key);
      this.#remove(key);
      entry?.socket.destroy();
      return;
    }
  }

  #remove(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.timer.cancel();
    this.#entries.delete(key);
    const keys = this.#perPeer.get(entry.peer);
    keys?.delete(key);
    if (keys?.size === 0) this.#perPeer.delete(entry.peer);
  }
}

/** The same for a TLS socket and the TCP socket below it. */
function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort}`;
}

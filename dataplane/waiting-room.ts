import type { Socket } from "node:net";
import type { Clock, Timer } from "../runtime/clock.ts";
import { addressSubject, canonicalAddress } from "./addresses.ts";

/**
 * Sockets whose request head is not complete. Bounded in time, in all and per peer (of IPv6 a /64): the one that has
 * waited longest goes first, so that somebody who opens many and sends nothing does not keep others out.
 */
const MAX_IN_ALL = 4096;
const MAX_PER_PEER = 1024;

interface Entry {
  /** The one to talk to. */
  socket: Socket;
  readonly peer: string;
  readonly connection: string;
  timer: Timer | undefined;
}

/** Where sockets wait until their request head is complete. */
export class WaitingRoom {
  readonly #entries = new Set<Entry>();
  readonly #perPeer = new Map<string, Set<Entry>>();
  readonly #ofSocket = new WeakMap<Socket, Entry>();
  /** For a TLS socket, which does not say what it is on top of. A port that is used again belongs to the newer one. */
  readonly #ofConnection = new Map<string, Entry>();
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
    const peer = addressSubject(canonicalAddress(socket.remoteAddress ?? "") ?? "");
    const entry: Entry = { socket, peer, connection: connectionOf(socket), timer: undefined };
    entry.timer = this.#clock.after(this.#timeout(), () => {
      this.#remove(entry);
      this.#late(entry.socket);
    });
    const ofPeer = this.#perPeer.get(peer) ?? new Set();
    this.#perPeer.set(peer, ofPeer);
    ofPeer.add(entry);
    this.#entries.add(entry);
    this.#ofSocket.set(socket, entry);
    this.#ofConnection.set(entry.connection, entry);
    socket.once("close", () => this.#remove(entry));
    if (ofPeer.size > MAX_PER_PEER) this.#evict(ofPeer);
    if (this.#entries.size > MAX_IN_ALL) this.#evict(this.#entries);
  }

  /** The TLS handshake of a socket in the room is done: this is the one to talk to now. */
  secured(socket: Socket): void {
    const entry = this.#ofConnection.get(connectionOf(socket));
    if (entry === undefined) return;
    entry.socket = socket;
    this.#ofSocket.set(socket, entry);
  }

  /** The head is complete. */
  leave(socket: Socket): void {
    const entry = this.#ofSocket.get(socket);
    if (entry !== undefined) this.#remove(entry);
  }

  #evict([longest]: Iterable<Entry>): void {
    if (longest === undefined) return;
    this.#remove(longest);
    longest.socket.destroy();
  }

  #remove(entry: Entry): void {
    if (!this.#entries.delete(entry)) return;
    entry.timer?.cancel();
    if (this.#ofConnection.get(entry.connection) === entry) this.#ofConnection.delete(entry.connection);
    const ofPeer = this.#perPeer.get(entry.peer);
    ofPeer?.delete(entry);
    if (ofPeer?.size === 0) this.#perPeer.delete(entry.peer);
  }
}

/** The same for a TLS socket and the TCP socket below it. */
function connectionOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress}`;
}

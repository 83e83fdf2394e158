import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { Spread } from "../../runtime/loop/spread.ts";
import { canonicalAddress } from "../../runtime/canonical-address.ts";
import { addressSubject } from "../addresses.ts";
import type { Evictions } from "../process/evictions.ts";
import { HeadTimer } from "./head-timer.ts";
import { connectionOf, newcomer, type Host, type Newcomer, type RoomOptions } from "./newcomer.ts";
import { ReadingTurns } from "./reading-turns.ts";
import { startReading, stopReading } from "./socket-reading.ts";
import { UnderWay } from "./under-way.ts";

/** For sockets whose heads are not complete when the process stops, in ms. */
const LONGEST_DRAIN = 5000;

/** Bytes of a head that are kept until it is complete. */
const MAX_BEGINNING = 1024;

/**
 * Sockets whose request head is not complete, of all listeners of the process: what it protects, memory and the loop's
 * time, is the process's. So many of them are read (`ReadingSlots`); the others wait unread, and their time has not begun
 * (`ReadingTurns`). One is closed only where its descriptor is needed.
 */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #evictions: Evictions;
  readonly #spread: Spread;
  readonly #headBegan: RoomOptions["headBegan"];
  readonly #turns: ReadingTurns;
  readonly #handshakes: UnderWay;
  readonly #entries = new Set<Newcomer>();
  readonly #ofSocket = new WeakMap<Socket, Newcomer>();
  /** For a TLS socket, which does not say what it is on top of. A port that is used again belongs to the newer one. */
  readonly #ofConnection = new Map<string, Newcomer>();

  constructor(clock: Clock, evictions: Evictions, options: RoomOptions = {}) {
    this.#clock = clock;
    this.#evictions = evictions;
    this.#spread = new Spread(clock);
    this.#turns = new ReadingTurns(clock, options.descriptors ?? Number.POSITIVE_INFINITY, {
      start: (entry) => this.#startReading(entry),
      stop({ socket, timer }) {
        stopReading(socket);
        timer?.hold();
      },
    });
    this.#headBegan = options.headBegan;
    this.#handshakes = new UnderWay(clock, (entry) => this.#begin(entry));
  }

  /** Sockets that are read. */
  get reading(): number {
    return this.#turns.reading;
  }

  /** Sockets that wait unread. */
  get unread(): number {
    return this.#turns.unread;
  }

  /** Sockets whose heads are not complete, those that wait unread included. */
  get entries(): ReadonlySet<Newcomer> {
    return this.#entries;
  }

  /** Takes a socket on, which is not being read. */
  enter(socket: Socket, host: Host): void {
    const address = canonicalAddress(socket.remoteAddress ?? "");
    const alone = address !== undefined && host.trusts(address);
    const entry = newcomer(socket, host, this.#turns.subject(alone ? undefined : addressSubject(address ?? "")));
    const closed = (): void => this.#remove(entry);
    socket.on("close", closed);
    entry.forget = () => socket.off("close", closed);
    this.#entries.add(entry);
    this.#ofSocket.set(socket, entry);
    this.#ofConnection.set(entry.connection, entry);
    this.#turns.enter(entry);
  }

  /** The TLS handshake of a socket in the room is done: from now on this TLS socket is the one to write to. */
  secured(socket: Socket): void {
    const entry = this.#ofConnection.get(connectionOf(socket));
    if (entry === undefined) return;
    entry.talker = socket;
    this.#ofSocket.set(socket, entry);
  }

  /** The first bytes of a socket in the room, where its head did not come as a whole. */
  beginning(socket: Socket): Buffer | undefined {
    return this.#ofSocket.get(socket)?.beginning;
  }

  /** The head of a socket is complete, or will never be: `answer` is called in its turn, and the slot is free. */
  complete(socket: Socket, answer: () => void): void {
    const entry = this.#ofSocket.get(socket);
    entry?.timer?.hold();
    if (entry !== undefined) this.#handshakes.done(entry);
    this.#spread.run(() => {
      if (entry !== undefined) this.#remove(entry);
      answer();
    });
  }

  /**
   * Gives up a socket when another one needs its descriptor: it leaves the room, and the caller closes it. Which one:
   * see `ReadingTurns.leastMissed`.
   */
  evict(): Socket | undefined {
    const { entry, reason } = this.#turns.leastMissed() ?? {};
    if (entry === undefined || reason === undefined) return undefined;
    this.#remove(entry);
    this.#evictions.count(reason);
    return entry.socket;
  }

  /**
   * Lets all that were accepted be read, so that those that sent a head get their answer. Those that send nothing are
   * closed, and after 5 s those too whose heads are not complete. `abort` closes all at once.
   */
  async drain(abort: AbortSignal): Promise<void> {
    this.#turns.unbound();
    const end = this.#clock.now() + LONGEST_DRAIN;
    while (this.#entries.size > 0 && this.#clock.now() < end && !abort.aborted) {
      this.#turns.advance();
      if (this.unread === 0) this.#stopSilent();
      await pause(20, this.#clock, abort);
    }
    for (const entry of this.#entries) this.#stop(entry);
  }

  /** Its head is not waited for any longer. */
  giveUp(entry: Newcomer): void {
    if (entry.gone) return;
    const { beginning } = entry;
    this.#remove(entry);
    entry.host.overdue(entry.talker, beginning);
  }

  #stopSilent(): void {
    for (let entry = this.#turns.silent; entry !== undefined; entry = this.#turns.silent) this.#stop(entry);
  }

  #startReading(entry: Newcomer): void {
    const { socket } = entry;
    entry.timer ??= new HeadTimer(this.#clock, entry.host.timeout(), () => {
      this.#spread.run(() => this.#overdue(entry));
    });
    entry.timer.run();
    if (socket.listenerCount("data") === 0) {
      const heard = (chunk: Buffer): void => {
        socket.off("data", heard);
        socket.off("end", destroy);
        this.#heard(entry, chunk);
      };
      socket.on("data", heard);
      socket.on("end", destroy); // nothing was sent, and nothing will be
    }
    startReading(socket);
  }

  #heard(entry: Newcomer, chunk: Buffer): void {
    entry.begun = true;
    // A copy in memory of its own: a part would keep all that was read.
    if (!entry.host.tls && !chunk.includes("\r\n\r\n"))
      entry.beginning = Buffer.from(new Uint8Array(chunk.subarray(0, MAX_BEGINNING)).buffer);
    this.#headBegan?.();
    entry.socket.pause();
    entry.socket.unshift(chunk);
    this.#turns.heard(entry);
    entry.timer?.hold();
    if (entry.host.tls) this.#handshakes.enter(entry);
    else this.#begin(entry);
  }

  #begin(entry: Newcomer): void {
    this.#spread.run(() => {
      if (entry.gone) return;
      entry.timer?.run();
      entry.host.spoke(entry.socket);
    });
  }

  #overdue(entry: Newcomer): void {
    if (entry.timer?.running === true) this.giveUp(entry); // else it waits for the gateway, or its head was complete meanwhile
  }

  #stop(entry: Newcomer): void {
    this.#remove(entry);
    this.#evictions.count("Stopping");
    entry.talker.destroy();
  }

  #remove(entry: Newcomer): void {
    if (entry.gone) return;
    entry.gone = true;
    entry.beginning = undefined; // a session may last for days
    entry.forget?.();
    entry.timer?.hold();
    this.#handshakes.leave(entry);
    this.#entries.delete(entry);
    if (this.#ofConnection.get(entry.connection) === entry) this.#ofConnection.delete(entry.connection);
    this.#turns.leave(entry);
  }
}

function destroy(this: Socket): void {
  this.destroy();
}

import type { Socket } from "node:net";
import type { Clock, Timer } from "../../runtime/clock.ts";
import { pause } from "../../runtime/loop/pause.ts";
import { onceATurn } from "../../runtime/loop/once-a-turn.ts";
import { Spread } from "../../runtime/loop/spread.ts";
import { addressSubject, canonicalAddress } from "../addresses.ts";
import type { EvictionReason, Evictions } from "../process/evictions.ts";
import { HeadTimer } from "./head-timer.ts";
import { connectionOf, newcomer, type Host, type Newcomer, type RoomOptions, type Subject } from "./newcomer.ts";
import { Places } from "./places.ts";
import { startReading, stopReading } from "./socket-reading.ts";
import { UnderWay } from "./under-way.ts";
import { WaitingLine } from "./waiting-line.ts";

/** A socket that has sent nothing is read for this long at least, in ms, before another is read in its place. */
const LEAST_TURN = 200;
/** While no place can be had, the line is looked at this often, in ms. */
const LOOK = 50;
/** Sockets of which reading begins in one turn of the event loop. */
const MOST_BEGUN = 128;
/** Addresses without a place for their next socket that are passed over at once. */
const MOST_PASSED = 256;
/** So many in the line of one address are a crowd. */
const CROWD = 64;
/** For those whose heads are not complete when the process stops, in ms. */
const LONGEST_DRAIN = 5000;

/**
 * Sockets whose request head is not complete, of all listeners of the process: what it protects, memory and the loop's
 * time, is the process's. So many of them are read (`Places`); the others wait unread, and their time has not begun. A
 * socket that is read, and sends nothing while others wait, goes back to the end of the line; one is closed only where
 * its descriptor is needed.
 */
export class WaitingRoom {
  readonly #clock: Clock;
  readonly #evictions: Evictions;
  readonly #spread: Spread;
  readonly #headBegan: RoomOptions["headBegan"];
  readonly #handshakes: UnderWay;
  readonly #line = new WaitingLine<Newcomer, Subject>();
  readonly #places: Places;
  readonly #entries = new Set<Newcomer>();
  readonly #ofSocket = new WeakMap<Socket, Newcomer>();
  /** For a TLS socket, which does not say what it is on top of. A port that is used again belongs to the newer one. */
  readonly #ofConnection = new Map<string, Newcomer>();
  /** Reading began in this turn of the loop, and in the one before: a whole poll has passed for those before that. */
  #fresh: Newcomer[] = [];
  #seenOnce: Newcomer[] = [];
  #begunNow = 0;
  /** Addresses passed over since one was found that had a place. */
  #passed = 0;
  readonly #turn = onceATurn(() => this.#turned());
  #look: Timer | undefined;
  #stopping = false;

  constructor(clock: Clock, evictions: Evictions, options: RoomOptions = {}) {
    this.#clock = clock;
    this.#evictions = evictions;
    this.#spread = new Spread(clock);
    this.#places = new Places(options.descriptors ?? Number.POSITIVE_INFINITY);
    this.#headBegan = options.headBegan;
    this.#handshakes = new UnderWay(clock, (entry) => this.#begin(entry));
  }

  /** Sockets that are read. */
  get reading(): number {
    return this.#places.taken;
  }

  /** Sockets that wait unread. */
  get unread(): number {
    return this.#line.size;
  }

  /** Sockets whose heads are not complete, those that wait unread included. */
  get entries(): ReadonlySet<Newcomer> {
    return this.#entries;
  }

  /** Takes a socket on, which is not being read. */
  enter(socket: Socket, host: Host): void {
    const address = canonicalAddress(socket.remoteAddress ?? "");
    const alone = address !== undefined && host.trusts(address);
    const entry = newcomer(socket, host, this.#places.subject(alone ? undefined : addressSubject(address ?? "")));
    const closed = (): void => this.#remove(entry);
    socket.on("close", closed);
    entry.forget = () => socket.off("close", closed);
    this.#entries.add(entry);
    this.#ofSocket.set(socket, entry);
    this.#ofConnection.set(entry.connection, entry);
    const others = this.#line.size > 0;
    entry.inLine = this.#line.push(entry.subject, entry);
    if (others) this.#turn();
    else this.#advance();
  }

  /** The TLS handshake of a socket in the room is done: this is the one to talk to now. */
  secured(socket: Socket): void {
    const entry = this.#ofConnection.get(connectionOf(socket));
    if (entry === undefined) return;
    entry.talker = socket;
    this.#ofSocket.set(socket, entry);
  }

  /** The head of a socket is complete, or will never be: `answer` is called in its turn, and the place is free. */
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
   * A socket that others need the descriptor of, no longer in the room, and the caller's to close: the one that was read
   * for longest and sent nothing; but before one that had no full turn, of an address with a crowd in the line, the one
   * that came last.
   */
  evict(): Socket | undefined {
    const silent = this.#places.silent.first;
    const young = silent === undefined || silent.since > this.#clock.now() - LEAST_TURN;
    const last = young ? this.#line.greediest()?.waiting.last?.item : undefined;
    if (last !== undefined && last.subject.waiting.size >= CROWD) return this.#evicted(last, "Crowd");
    return silent === undefined ? undefined : this.#evicted(silent, "Silent");
  }

  #evicted(entry: Newcomer, reason: EvictionReason): Socket {
    this.#remove(entry);
    this.#evictions.count(reason);
    return entry.socket;
  }

  /**
   * Lets all that were accepted be read, so that those that sent a head get their answer. Those that send nothing are
   * closed, and after 5 s those too whose heads are not complete. `abort` closes all at once.
   */
  async drain(abort: AbortSignal): Promise<void> {
    this.#stopping = true;
    const end = this.#clock.now() + LONGEST_DRAIN;
    while (this.#entries.size > 0 && this.#clock.now() < end && !abort.aborted) {
      this.#advance();
      if (this.#line.size === 0) this.#stopSilent();
      await pause(20, this.#clock, abort);
    }
    for (const entry of this.#entries) this.#stop(entry);
  }

  #stopSilent(): void {
    const before = this.#clock.now() - LEAST_TURN;
    for (let entry = this.#places.silent.first; entry !== undefined && entry.since <= before;) {
      this.#stop(entry);
      entry = this.#places.silent.first;
    }
  }

  /** Begins to read those whose turn it is, as many as have a place. */
  #advance(): void {
    let now = 0;
    while (this.#begunNow < MOST_BEGUN && now < MOST_PASSED && this.#passed < this.#line.parties) {
      const subject = this.#line.next();
      if (subject === undefined) break;
      // When the process stops there is room for all: no others come.
      const room = this.#stopping || this.#places.has(subject) || this.#makeRoom(subject);
      const entry = room ? this.#line.take(subject) : undefined;
      if (entry !== undefined) this.#read(entry);
      now = entry === undefined ? now + 1 : 0;
      this.#passed = entry === undefined ? this.#passed + 1 : 0;
    }
    const all = this.#passed >= this.#line.parties;
    if (all) this.#passed = 0;
    if (this.#line.size === 0) return;
    if (!all) this.#turn();
    else this.#look ??= this.#clock.after(LOOK, () => this.#lookAgain());
  }

  /** Another socket that has sent nothing goes back to the line for the next of this address. */
  #makeRoom(subject: Subject): boolean {
    const before = this.#clock.now() - LEAST_TURN;
    const next = subject.waiting.first;
    if (next?.timer !== undefined && next.since > before) return false; // it was read a moment ago
    const entry = this.#places.rival(subject);
    if (entry === undefined || entry.since > before) return false;
    stopReading(entry.socket);
    entry.timer?.hold();
    this.#hush(entry);
    this.#places.leave(entry.subject);
    entry.since = this.#clock.now();
    entry.inLine = this.#line.push(entry.subject, entry);
    return true;
  }

  #read(entry: Newcomer): void {
    const { socket } = entry;
    this.#places.enter(entry.subject);
    this.#begunNow += 1;
    entry.inLine = undefined;
    entry.since = this.#clock.now();
    entry.timer ??= new HeadTimer(this.#clock, entry.host.timeout(), () => {
      this.#spread.run(() => this.#late(entry));
    });
    entry.timer.run();
    this.#fresh.push(entry);
    this.#turn();
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
    this.#headBegan?.();
    entry.socket.pause();
    entry.socket.unshift(chunk);
    this.#hush(entry);
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

  #late(entry: Newcomer): void {
    if (entry.timer?.running === true) this.giveUp(entry); // else it waits for us, or its head was complete meanwhile
  }

  /** Its head is not waited for any longer. */
  giveUp(entry: Newcomer): void {
    if (entry.gone) return;
    this.#remove(entry);
    entry.host.late(entry.talker);
  }

  #hush(entry: Newcomer): void {
    if (entry.silent !== undefined) this.#places.heard(entry.subject, entry.silent);
    entry.silent = undefined;
  }

  #stop(entry: Newcomer): void {
    this.#remove(entry);
    this.#evictions.count("Stopping");
    entry.talker.destroy();
  }

  #remove(entry: Newcomer): void {
    if (entry.gone) return;
    entry.gone = true;
    entry.forget?.();
    entry.timer?.hold();
    this.#handshakes.leave(entry);
    this.#hush(entry);
    this.#entries.delete(entry);
    if (this.#ofConnection.get(entry.connection) === entry) this.#ofConnection.delete(entry.connection);
    if (entry.inLine === undefined) this.#places.leave(entry.subject);
    else this.#line.remove(entry.subject, entry.inLine);
    this.#places.forget(entry.subject);
    if (this.#line.size > 0) this.#turn();
  }

  /** A turn of the loop is over. */
  #turned(): void {
    this.#begunNow = 0;
    for (const entry of this.#seenOnce) {
      if (!entry.gone && !entry.begun && entry.inLine === undefined) entry.silent = this.#places.wasSilent(entry);
    }
    this.#seenOnce = this.#fresh;
    this.#fresh = [];
    if (this.#seenOnce.length > 0) this.#turn();
    if (this.#line.size > 0) this.#lookAgain();
  }

  #lookAgain(): void {
    this.#look?.cancel();
    this.#look = undefined;
    this.#advance();
  }
}

function destroy(this: Socket): void {
  this.destroy();
}

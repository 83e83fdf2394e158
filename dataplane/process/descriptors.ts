import type { Socket } from "node:net";
import type { Clock } from "../../runtime/clock.ts";
import type { DescriptorLimit } from "../../runtime/descriptor-limit.ts";
import type { Log } from "../../runtime/log.ts";
import { SparseLog } from "../../runtime/sparse-log.ts";
import type { Refusal } from "../rejection.ts";

/**
 * Descriptors that are reserved for the admin port, files, and what each proxy has once, its listener and the connection to
 * its store: an eighth of the limit, and this at most.
 */
const MOST_RESERVED = 1024;
/** What a process opens after it has been asked how much it has open: the log, its listeners. */
const ALLOWANCE = 8;
/** Descriptors for clients that are refused because no more sessions fit: an eighth of those for sockets, and this at most. */
const MOST_FOR_REFUSALS = 256;
/** Descriptors for sockets that are assumed however low the limit is: a process with fewer serves no client. */
const FEWEST = 8;

/** Descriptors that the sockets of clients, backends and identity providers may have together. */
export function descriptorsForSockets({ limit, open }: DescriptorLimit): number {
  const reserved = Math.min(MOST_RESERVED, Math.floor(limit / 8));
  return Math.max(FEWEST, limit - open - ALLOWANCE - reserved);
}

/**
 * The file descriptors of the process that sockets of clients, backends and identity providers have, over all proxies. A
 * session has two. Near the end handshakes are refused, at the end sockets are closed as they come: so there is always one left for the
 * admin port.
 */
export class Descriptors {
  /** What sockets may have. */
  readonly most: number;
  /** Above it handshakes are refused. */
  readonly #forSessions: number;
  readonly #refusals: SparseLog<"handshakes">;
  #clients = 0;
  /** Sockets that the gateway dials. */
  #dialled = 0;
  #relief: (() => Socket | undefined) | undefined;

  constructor(most: number, clock: Clock, log: Log) {
    this.most = most;
    this.#forSessions = most - Math.min(MOST_FOR_REFUSALS, Math.ceil(most / 8));
    this.#refusals = new SparseLog(clock, (refused) =>
      log.warn({ ...refused, used: this.used, limit: most }, "handshakes refused: hardly a file descriptor is left"),
    );
  }

  /** Clients' sockets, and those of backends and identity providers, open or about to be opened. */
  get used(): number {
    return this.#clients + this.#dialled;
  }

  /** Sessions that there is room for. */
  get sessions(): number {
    return Math.floor(this.#forSessions / 2);
  }

  /** `evict` gives up a socket when another one needs its descriptor. */
  relievedBy(relief: () => Socket | undefined): void {
    this.#relief = relief;
  }

  /** Counts a client's socket until it is closed. False where there is no room for it, not even after an eviction. */
  admit(socket: Socket): boolean {
    if (this.used >= this.most && !this.#relieve()) return false;
    this.#clients += 1;
    socket.on("close", this.#closed);
    socket.on("moved", this.#moved);
    return true;
  }

  /** Counts a backend's socket for a handshake, and for the session after it, until the returned function is called. */
  dial(): () => void {
    this.#dialled += 1;
    let open = true;
    return () => {
      if (open) this.#dialled -= 1;
      open = false;
    };
  }

  /** As `dial`, for a question to an identity provider, which goes on when its client has left; undefined: there is no room. */
  ask(): (() => void) | undefined {
    return this.used < this.most || this.#relieve() ? this.dial() : undefined;
  }

  /** Refuses a handshake, which is counted with its backend already, where there would be too few left. */
  shortage(): Refusal | undefined {
    if (this.used <= this.#forSessions || this.#relieve()) return undefined;
    this.#refusals.count("handshakes");
    return { reason: "Overloaded", retryAfter: 5, cause: "hardly a file descriptor is left" };
  }

  #relieve(): boolean {
    const socket = this.#relief?.();
    if (socket === undefined) return false;
    // Its descriptor is free when `destroy` returns, the event comes later.
    if (socket.listeners("close").includes(this.#closed)) this.#clients -= 1;
    socket.off("close", this.#closed);
    socket.destroy();
    return true;
  }

  // One function for all sockets: they are kept for as long as sessions live.
  readonly #closed = (): void => {
    this.#clients -= 1;
  };

  /** A socket's descriptor belongs to another object from now on. */
  readonly #moved = (from: Socket, to: Socket): void => {
    from.off("close", this.#closed);
    to.on("close", this.#closed);
  };
}

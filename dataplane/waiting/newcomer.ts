import type { Socket } from "node:net";
import type { HeadTimer } from "./head-timer.ts";
import type { Link, LinkedList } from "./linked-list.ts";
import type { Begun } from "./begun.ts";
import type { Lane } from "./waiting-line.ts";

/** The listener that a socket came to. */
export interface Host {
  /** Its clients begin with a TLS handshake. */
  readonly tls: boolean;
  /** Is this address a trusted proxy, which stands for many clients? */
  trusts(address: string): boolean;
  /** For the request head, TLS handshake included, in ms. */
  timeout(): number;
  /** The first bytes have come. The socket, which is paused, gives them again. */
  spoke(socket: Socket): void;
  /** The time for the head is over; `beginning`: what came of it. */
  overdue(socket: Socket, beginning: Buffer | undefined): void;
}

/** What a waiting room is told of the process. */
export interface RoomOptions {
  /** File descriptors that there are for sockets; absent: as many as are wanted. */
  readonly descriptors?: number;
  /** Called when the first bytes of a socket are here. */
  readonly headBegan?: () => void;
}

/** A socket whose request head is not complete. */
export interface Newcomer {
  /** The TCP socket. */
  readonly socket: Socket;
  /** The socket to write to: once TLS is established, the TLS socket. */
  talker: Socket;
  readonly host: Host;
  /** The address that its slots and its turn count for. */
  readonly subject: Subject;
  /** `connectionOf` the socket, and of the TLS socket above it. */
  readonly connection: string;
  /** Its link in the line; undefined while it is read. */
  inLine: Link<Newcomer> | undefined;
  /** Its links among the sockets that were read and sent nothing: of all, and of its address. */
  silent: readonly [Link<Newcomer>, Link<Newcomer>] | undefined;
  /** Its links among the sockets that wait for a TLS handshake, and among those of which one is under way. */
  inHellos: Link<Newcomer> | undefined;
  underWay: Link<Begun> | undefined;
  /** It has sent something. */
  begun: boolean;
  /** The first bytes of a head that did not come as a whole, for the log; undefined over TLS. */
  beginning: Buffer | undefined;
  /** No longer in the room. */
  gone: boolean;
  /** When reading began, or ended again. */
  since: number;
  /** The time for its head; undefined before its first turn. */
  timer: HeadTimer | undefined;
  /** Takes the listener for its close away. */
  forget: (() => void) | undefined;
}

/** An address, of IPv6 a /64; or a single socket that came from a trusted proxy. */
export interface Subject extends Lane<Newcomer> {
  /** Undefined for a single socket. */
  readonly key: string | undefined;
  /** Slots that it has. */
  slots: number;
  /** Its sockets that were read and sent nothing; the one that has been read for longest first. */
  readonly silent: LinkedList<Newcomer>;
  /** Its sockets that wait for their TLS handshake. */
  readonly hellos: Lane<Newcomer>;
}

/** A socket that has come to a listener. */
export function newcomer(socket: Socket, host: Host, subject: Subject): Newcomer {
  return {
    socket,
    talker: socket,
    host,
    subject,
    connection: connectionOf(socket),
    inLine: undefined,
    silent: undefined,
    inHellos: undefined,
    underWay: undefined,
    begun: false,
    beginning: undefined,
    gone: false,
    since: 0,
    timer: undefined,
    forget: undefined,
  };
}

/** The same for a TLS socket and the TCP socket below it. */
export function connectionOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`;
}

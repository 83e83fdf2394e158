import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { listen } from "../../runtime/listen.ts";
import type { Descriptors } from "../process/descriptors.ts";
import type { Evictions } from "../process/evictions.ts";

/** Takes a port's connections. */
export interface Acceptor {
  /** Takes on a connection that is not being read. */
  accept(socket: Socket): void;
}

/** Where a port is, or is to be. */
export interface PortAddress {
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** What bounds the connections of all ports. */
export interface ConnectionBounds {
  readonly descriptors: Descriptors;
  readonly evictions: Evictions;
}

/** A TCP port that is open. It may lead to another acceptor, and no connection is refused meanwhile. */
export class OpenPort {
  readonly #server: Server;
  readonly #asked: PortAddress;
  readonly #opened: AddressInfo;
  readonly #bounds: ConnectionBounds;
  #acceptor: Acceptor | undefined;
  /** Connections that came before there was an acceptor: unread, and bounded by the descriptors. */
  #early: Socket[] = [];

  private constructor(server: Server, asked: PortAddress, opened: AddressInfo, bounds: ConnectionBounds) {
    this.#server = server;
    this.#asked = asked;
    this.#opened = opened;
    this.#bounds = bounds;
    server.on("connection", (socket: Socket) => this.#came(socket));
  }

  /** Resolves with the port, or with what is wrong, in words. */
  static async open(address: PortAddress, bounds: ConnectionBounds): Promise<OpenPort | string> {
    const { host, port } = address;
    // As node:http opens its own servers, which handle half-open sockets themselves.
    const server = createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true, pauseOnConnect: true });
    try {
      return new OpenPort(server, address, await listen(server, { ...address, backlog: 4096 }), bounds);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      return code === "EADDRINUSE"
        ? `port ${port} on ${host} is in use by another process; end that one, or change spec.listener.port`
        : `port ${port} on ${host} cannot be opened: ${message}`;
    }
  }

  /** The port's number, after it has been closed too. */
  get number(): number {
    return this.#opened.port;
  }

  /** The address that is open: `::` stands for both families; on a host without IPv6 it is 0.0.0.0. */
  get address(): string {
    return this.#opened.address;
  }

  /** Is this port what opening that address would give? */
  isAt({ host, port }: PortAddress): boolean {
    return host === this.#asked.host && port === this.#opened.port;
  }

  /** From now on connections go there. */
  leadTo(acceptor: Acceptor): void {
    this.#acceptor = acceptor;
    for (const socket of this.#early.splice(0)) if (!socket.destroyed) acceptor.accept(socket);
  }

  /** No more connections; those that are accepted stay. */
  close(): void {
    this.#server.close();
    for (const socket of this.#early.splice(0)) socket.destroy();
  }

  #came(socket: Socket): void {
    const { descriptors, evictions } = this.#bounds;
    if (!descriptors.admit(socket)) {
      evictions.count("Descriptors");
      socket.destroy();
      return;
    }
    socket.on("error", destroy);
    if (this.#acceptor === undefined) this.#early.push(socket);
    else this.#acceptor.accept(socket);
  }
}

function destroy(this: Socket): void {
  this.destroy();
}
